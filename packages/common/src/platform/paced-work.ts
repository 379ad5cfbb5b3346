// Work at a pace: so many pieces a second at most, evenly, over one timer that runs only while there is work.
import type { Clock, Timer } from "./clock.ts";
import { Pacer } from "./pacer.ts";

/** `skipped`: a piece that took nothing, and does not count; `over`: there is none now. */
export type PieceOfWork = "done" | "skipped" | "over";

export interface PacedWorkOptions {
  readonly clock: Clock;
  /** Pieces a second, above 0; asked for each time. */
  perSecond(): number;
  /** Does the next piece. */
  next(): PieceOfWork;
}

/** Faster than one in this time several pieces share a turn. */
const SHORTEST_TURN_MS = 50;
/** Looked at in one turn, so that signalling is not kept waiting. */
const MOST_SKIPPED = 1_000;
/** A timer that is due now may come before the sockets are read. */
const NEXT_TURN_MS = 1;

export class PacedWork {
  readonly #options: PacedWorkOptions;
  #timer: Timer | undefined;
  #pacer: Pacer | undefined;
  /** Of the pacer, a second. */
  #pace = 0;

  constructor(options: PacedWorkOptions) {
    this.#options = options;
  }

  /** There is work: the first piece is done in the next turn, or when the pace allows it. */
  wake(): void {
    if (this.#timer !== undefined) return;
    const { clock } = this.#options;
    // What was not used is not saved up: a pace is no average.
    this.#pacer?.rested(clock.now());
    this.#timer = clock.after(0, () => this.#turn());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #turn(): void {
    const { clock, next } = this.#options;
    this.#timer = undefined;
    const now = clock.now();
    const pacer = this.#pacerAt(now);
    let skipped = 0;
    while (now >= pacer.nextAt && skipped < MOST_SKIPPED) {
      const piece = next();
      if (piece === "over") return;
      if (piece === "done") pacer.take(now);
      else skipped += 1;
    }
    const isHeldUp = now >= pacer.nextAt;
    const wait = isHeldUp ? NEXT_TURN_MS : Math.max(SHORTEST_TURN_MS, pacer.nextAt - now);
    this.#timer = clock.after(wait, () => this.#turn());
  }

  /** Another one where the pace has changed. */
  #pacerAt(now: number): Pacer {
    const perSecond = this.#options.perSecond();
    if (this.#pacer === undefined || this.#pace !== perSecond) {
      const from = Math.min(this.#pacer?.nextAt ?? now, now + 1000 / perSecond);
      this.#pacer = new Pacer({ perSecond, from });
      this.#pace = perSecond;
    }
    return this.#pacer;
  }
}
