// A REGISTER from S-CSCF to S-CSCF until one answers. TS 24.229 §5.2.2.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
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

/** @param scscfs whom to ask, one after the other @param launch called for each of them in turn */
export function registerWithFailover(
  options: FailoverOptions,
  scscfs: readonly string[],
  launch: Launch,
): void {
  if (scscfs.length > 0) new Trial(options, scscfs, 0, launch).start();
}

/** One S-CSCF that is asked. */
class Trial implements Candidate {
  readonly scscf: string;
  readonly #options: FailoverOptions;
  readonly #scscfs: readonly string[];
  /** Its place among them. */
  readonly #at: number;
  readonly #launch: Launch;
  #since = 0;
  #settled = false;
  #timer: Timer | undefined;
  #client: ClientTransaction | undefined;

  constructor(options: FailoverOptions, scscfs: readonly string[], at: number, launch: Launch) {
    this.scscf = scscfs[at] ?? "";
    this.#options = options;
    this.#scscfs = scscfs;
    this.#at = at;
    this.#launch = launch;
  }

  start(): void {
    const { clock } = this.#options;
    this.#since = clock.now();
    // The last one has all the time a transaction has.
    if (!this.#isLast) this.#timer = clock.after(PATIENCE_MS, () => this.#impatient());
    this.#client = this.#launch(this);
    if (this.#client === undefined) this.#timer?.cancel();
  }

  heard(): void {
    this.#timer?.cancel();
    if (!this.#settled) this.#options.pool.answered(this.scscf);
    this.#settled = true;
  }

  unavailable(why: string): boolean {
    this.#timer?.cancel();
    if (this.#settled) return false;
    this.#settled = true;
    const { pool } = this.#options;
    if (why === UNANSWERED) pool.unanswered(this.scscf, this.#since);
    else pool.note(this.scscf, false, why);
    if (this.#isLast) return false;
    new Trial(this.#options, this.#scscfs, this.#at + 1, this.#launch).start();
    return true;
  }

  get #isLast(): boolean {
    return this.#at + 1 >= this.#scscfs.length;
  }

  #impatient(): void {
    this.#client?.abandon(); // what it answers now would make a second registration
    this.unavailable(UNANSWERED);
  }
}
