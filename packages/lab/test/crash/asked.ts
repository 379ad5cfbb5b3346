// Re-authentications that were asked for: each stays, with its deadline, until its user has authenticated again.
import type { AskedReauthentication, CrashNodes, ReauthenticationState } from "./nodes.ts";
import type { Promises } from "./promises.ts";

interface Open extends AskedReauthentication {
  /** REGISTERs of the user that had been accepted then. */
  readonly accepted: number;
  readonly last: ReauthenticationState | undefined;
  /** Its deadline passed while the S-CSCF was down, and was moved. */
  readonly hadGrace: boolean;
}

/** `restart.graceSeconds` of the S-CSCF. */
const GRACE_MS = 32_000;

export class AskedReauthentications {
  readonly #nodes: CrashNodes;
  readonly #promises: Promises;
  #open: Open[] = [];
  readonly broken: string[] = [];
  done = 0;

  constructor(nodes: CrashNodes, promises: Promises) {
    this.#nodes = nodes;
    this.#promises = promises;
  }

  get open(): number {
    return this.#open.length;
  }

  isOpen(impu: string): boolean {
    return this.#open.some((one) => one.impu === impu);
  }

  async ask(impu: string): Promise<void> {
    const accepted = this.#promises.accepted.get(impu) ?? 0;
    const asked = await this.#nodes.ask(impu);
    if (asked !== undefined)
      this.#open.push({ ...asked, accepted, last: undefined, hadGrace: false });
  }

  /** How each stands, while the S-CSCF runs. @param now milliseconds since the epoch */
  async look(now: number): Promise<void> {
    const open: Open[] = [];
    for (const one of this.#open) {
      if (this.#promises.deaf.has(one.impu)) continue;
      const state = await this.#nodes.reauthentication(one.id);
      const hadGrace = one.hadGrace || isMovedByGrace(one, state, now);
      if (this.#isOver(one, state, now)) this.done += 1;
      else open.push({ ...one, last: state ?? one.last, hadGrace });
    }
    this.#open = open;
  }

  /**
   * Those that ought to have ended. One whose device was challenged, and which has time left, is the device's own matter:
   * SIPp does not go on from every answer that comes twice. @param now milliseconds since the epoch
   */
  unfinished(now: number): readonly string[] {
    const isTheDevices = ({ last }: Open): boolean =>
      last?.progress === "challenged" && last.deadlineAt !== null && last.deadlineAt > now;
    return this.#open
      .filter((one) => !isTheDevices(one))
      .map(({ impu, id, last }) => {
        const asked = this.#promises.asked.get(impu) ?? 0;
        return `${impu}: re-authentication ${id} has not ended: ${last?.progress ?? "unknown"}, ${asked} NOTIFYs asked for one`;
      });
  }

  #isOver(one: Open, state: ReauthenticationState | undefined, now: number): boolean {
    const { impu, id, accepted, last } = one;
    if (state === undefined || state.end === "reauthenticated")
      // Its end was known to the process that was killed, and the device may not have heard of it yet.
      return (this.#promises.accepted.get(impu) ?? 0) > accepted;
    if (state.end !== null) {
      this.broken.push(`${impu}: re-authentication ${id} ended ${state.end}`);
      return true;
    }
    if (
      last !== undefined &&
      isRunning(last) &&
      isRunning(state) &&
      state.deadlineAt !== last.deadlineAt &&
      !isMovedByGrace(one, state, now)
    )
      this.broken.push(
        `${impu}: the deadline of ${id} was ${last.deadlineAt} and is ${state.deadlineAt}`,
      );
    return false;
  }
}

/** Once, where it had passed before the S-CSCF ran again, to the grace from then on. */
function isMovedByGrace(
  { last, hadGrace }: Open,
  state: ReauthenticationState | undefined,
  now: number,
): boolean {
  const before = last?.deadlineAt;
  const after = state?.deadlineAt;
  if (hadGrace || before == null || after == null || before === after) return false;
  return before <= after - GRACE_MS && after <= now + GRACE_MS;
}

/** N runs, and no challenge has extended it. */
function isRunning({ progress }: ReauthenticationState): boolean {
  return progress === "notified" || progress === "acknowledged";
}
