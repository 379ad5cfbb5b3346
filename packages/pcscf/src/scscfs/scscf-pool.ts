// The S-CSCFs that this node knows: the one for each user, and which of them are up.
import { hash } from "node:crypto";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";

/** Asks one S-CSCF for a sign of life; `done` is called once, unless it was taken back. */
export type Probe = (scscf: string, done: (alive: boolean) => void) => { abandon(): void };

export interface ScscfPoolOptions {
  /** SIP URIs, in the order of the settings; at least one. */
  readonly scscfs: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly probe: Probe;
}

const PROBE_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 3_000;

/** An S-CSCF that answers OPTIONS, but no REGISTER, is down for so long, twice as long each time. */
const FIRST_HOLD_MS = 10_000;
const LONGEST_HOLD_MS = 600_000;

interface Health {
  up: boolean;
  /** Until then a sign of life is not enough. */
  heldUntil: number;
  nextHoldMs: number;
  /** When it answered a REGISTER last. */
  answeredAt: number;
  timer: Timer | undefined;
  probing: { abandon(): void } | undefined;
  /** Who wants to hear when it is down. */
  readonly watchers: Set<() => void>;
}

export class ScscfPool {
  readonly #options: ScscfPoolOptions;
  readonly #health: ReadonlyMap<string, Health>;

  constructor(options: ScscfPoolOptions) {
    this.#options = options;
    const fresh = (): Health => ({
      up: true,
      heldUntil: 0,
      nextHoldMs: FIRST_HOLD_MS,
      answeredAt: Number.NEGATIVE_INFINITY,
      timer: undefined,
      probing: undefined,
      watchers: new Set(),
    });
    this.#health = new Map(options.scscfs.map((scscf) => [scscf, fresh()]));
  }

  /** One needs no watching: there is nobody else to ask. */
  start(): void {
    if (this.#health.size > 1) for (const scscf of this.#health.keys()) this.#arm(scscf);
  }

  close(): void {
    for (const { timer, probing } of this.#health.values()) {
      timer?.cancel();
      probing?.abandon();
    }
  }

  /** For the metrics: URI and 1 or 0. */
  *states(): Generator<readonly [string, number]> {
    for (const [scscf, { up }] of this.#health) yield [scscf, up ? 1 : 0];
  }

  isUp(scscf: string): boolean {
    return this.#health.get(scscf)?.up ?? true;
  }

  /**
   * Whom to ask, in this order: the one that knows the user already, then all others by the user's
   * own order; those that are down come last, since a stale "down" must not lock anybody out.
   * @param aor canonical, see `aorOf`
   */
  candidates(aor: string, own: string | undefined): readonly string[] {
    const { scscfs } = this.#options;
    if (scscfs.length === 1) return own === undefined || own === scscfs[0] ? scscfs : [own];
    const others = byRendezvous(aor, scscfs).filter((scscf) => scscf !== own);
    const all = own === undefined ? others : [own, ...others];
    const up = all.filter((scscf) => this.isUp(scscf));
    return [...up, ...all.filter((scscf) => !up.includes(scscf))];
  }

  /** It has answered a REGISTER: what else it was asked for does not matter. */
  answered(scscf: string): void {
    const health = this.#health.get(scscf);
    if (health === undefined) return;
    health.answeredAt = this.#options.clock.now();
    health.heldUntil = 0;
    health.nextHoldMs = FIRST_HOLD_MS;
    this.note(scscf, true, "");
  }

  /**
   * It has not answered a REGISTER that was sent at `since`: OPTIONS alone do not bring it back before a
   * while has passed. If it has answered others meanwhile, it is the REGISTER that is to blame.
   */
  unanswered(scscf: string, since: number): void {
    const health = this.#health.get(scscf);
    if (health === undefined || health.answeredAt >= since) return;
    const now = this.#options.clock.now();
    if (now >= health.heldUntil) {
      health.heldUntil = now + health.nextHoldMs;
      health.nextHoldMs = Math.min(2 * health.nextHoldMs, LONGEST_HOLD_MS);
    }
    this.note(scscf, false, "no answer to REGISTER");
  }

  /** What became of a request sent there; said in the log once per change. */
  note(scscf: string, up: boolean, why: string): void {
    const health = this.#health.get(scscf);
    if (health === undefined || health.up === up) return;
    health.up = up;
    if (!up) for (const isDown of [...health.watchers]) isDown();
    if (this.#health.size === 1) return; // its endpoint says so (`peer.unreachable`)
    if (up) this.#options.log.info("scscf.up", { scscf });
    else this.#options.log.warn("scscf.down", { scscf, why, setting: "scscf", next: NEXT });
  }

  /** It has not answered something else: it is asked for a sign of life now, not at the next turn. */
  doubt(scscf: string): void {
    const health = this.#health.get(scscf);
    if (health === undefined || health.probing !== undefined || this.#health.size === 1) return;
    health.timer?.cancel();
    this.#probe(scscf, health);
  }

  /** Calls once it is down. Returns how to be called no more. */
  whenDown(scscf: string, isDown: () => void): () => void {
    const watchers = this.#health.get(scscf)?.watchers;
    watchers?.add(isDown);
    return () => void watchers?.delete(isDown);
  }

  #arm(scscf: string): void {
    const { clock } = this.#options;
    const health = this.#health.get(scscf);
    if (health !== undefined)
      health.timer = clock.after(PROBE_EVERY_MS, () => this.#probe(scscf, health));
  }

  #probe(scscf: string, health: Health): void {
    const { clock, probe } = this.#options;
    const over = (alive: boolean): void => {
      health.timer?.cancel();
      health.probing = undefined;
      if (!alive || clock.now() >= health.heldUntil)
        this.note(scscf, alive, "no answer to OPTIONS");
      this.#arm(scscf);
    };
    health.timer = clock.after(PROBE_TIMEOUT_MS, () => {
      health.probing?.abandon();
      over(false);
    });
    health.probing = probe(scscf, over);
  }
}

const NEXT = "new registrations go to the others; start it, or take it out of the setting";

/** Highest random weight: when one goes, only its users move. */
export function byRendezvous(aor: string, scscfs: readonly string[]): readonly string[] {
  return scscfs
    .map((scscf) => ({ scscf, weight: weightOf(aor, scscf) }))
    .sort((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ scscf }) => scscf);
}

function weightOf(aor: string, scscf: string): string {
  return hash("sha256", `${scscf} ${aor}`);
}
