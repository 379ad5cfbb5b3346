// A REGISTER from S-CSCF to S-CSCF until one answers. TS 24.229 §5.2.2.1.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { ClientTransaction } from "@ims-lab/common/sip/endpoint/endpoint";
import type { ScscfPool } from "./scscf-pool.ts";

/** Unanswered for so long, it goes to the next. */
const PATIENCE_MS = 3_000;

const UNANSWERED = "no answer to REGISTER";

export interface Candidate {
  readonly scscf: string;
  /** Called when the S-CSCF has said anything at all. */
  heard(): void;
  /** It is of no use. True: the next one has been asked. */
  unavailable(why: string): boolean;
}

/** Sends to one S-CSCF. Undefined: nothing was sent, and an answer has been given. */
export type Launch = (candidate: Candidate) => ClientTransaction | undefined;

export interface FailoverOptions {
  readonly clock: Clock;
  readonly pool: ScscfPool;
}

export function registerWithFailover(
  { clock, pool }: FailoverOptions,
  scscfs: readonly string[],
  launch: Launch,
): void {
  const [scscf, ...left] = scscfs;
  if (scscf === undefined) return;
  const since = clock.now();
  let settled = false;
  const unavailable = (why: string): boolean => {
    timer?.cancel();
    if (settled) return false;
    settled = true;
    if (why === UNANSWERED) pool.unanswered(scscf, since);
    else pool.note(scscf, false, why);
    registerWithFailover({ clock, pool }, left, launch);
    return left.length > 0;
  };
  const heard = (): void => {
    timer?.cancel();
    if (!settled) pool.answered(scscf);
    settled = true;
  };
  // The last one has all the time a transaction has.
  const timer =
    left.length === 0
      ? undefined
      : clock.after(PATIENCE_MS, () => {
          client?.abandon(); // what it answers now would make a second registration
          unavailable(UNANSWERED);
        });
  const client = launch({ scscf, heard, unavailable });
  if (client === undefined) timer?.cancel();
}
