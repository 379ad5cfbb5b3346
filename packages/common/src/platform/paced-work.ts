// Work at a pace: so many pieces a second at most, evenly, over one timer that runs only while there is work.
import type { Clock, Timer } from "./clock.ts";

/** `skipped`: a piece that took nothing, and does not count; `over`: there is none now. */
export type PieceOfWork = "done" | "skipped" | "over";

export interface PacedWorkOptions {
  readonly clock: Clock;
  /** Pieces a second, above 0; asked for each time. */
  perSecond(): number;
  /** Does the next piece. */
  next(): PieceOfWork;
}

/** Slower than this many a second each piece has a turn of its own. */
const TURNS_PER_SECOND = 20;
/** Looked at in one turn, so that signalling is not kept waiting. */
const MOST_SKIPPED = 1_000;
/** A timer that is due now may come before the sockets are read. */
const NEXT_TURN_MS = 1;

export class PacedWork {
  readonly #options: PacedWorkOptions;
  #timer: Timer | undefined;
  /** Pieces that may be done now, and parts of one. */
  #allowance = 1;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PacedWorkOptions) {
    this.#options = options;
  }

  /** There is work: the first piece is done in the next turn, or when the pace allows it. */
  wake(): void {
    this.#timer ??= this.#options.clock.after(0, () => this.#turn());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #turn(): void {
    const { clock, perSecond, next } = this.#options;
    this.#timer = undefined;
    const pace = perSecond();
    const perTurn = Math.max(1, pace / TURNS_PER_SECOND);
    const now = clock.now();
    const earned = ((now - this.#countedAt) * pace) / 1000;
    // What was not used is not saved up: a pace is no average.
    this.#allowance = Math.min(perTurn, this.#allowance + earned);
    this.#countedAt = now;
    let skipped = 0;
    while (this.#allowance >= 1) {
      const piece = next();
      if (piece === "over") return;
      if (piece === "done") this.#allowance -= 1;
      else if (++skipped >= MOST_SKIPPED) break;
    }
    const wait = this.#allowance >= 1 ? NEXT_TURN_MS : ((perTurn - this.#allowance) * 1000) / pace;
    this.#timer = clock.after(wait, () => this.#turn());
  }
}
