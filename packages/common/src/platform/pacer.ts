// A pace: when the next piece may be done, so that no stretch of time has more than the pace allows.
import type { Random } from "./random.ts";

export interface PacerOptions {
  readonly perSecond: number;
  /** 0 to 1: each gap is up to this share of itself longer, by chance; absent: evenly. */
  readonly jitter?: number;
  readonly random?: Random;
  /** Milliseconds since the epoch: nothing is done before. */
  readonly from: number;
}

/** Lateness of timers that is made up for; longer ones leave the pace behind, not a burst. */
const CATCH_UP_MS = 100;

export class Pacer {
  readonly #options: PacerOptions;
  readonly #gapMs: number;
  /** Any stretch of this length has at most as many as `#recent` holds. */
  readonly #windowMs: number;
  /** Times of the latest, as a ring. */
  readonly #recent: number[];
  #turn = 0;
  #nextAt: number;

  constructor(options: PacerOptions) {
    const { perSecond, from } = options;
    const inWindow = Math.max(1, Math.floor(perSecond));
    this.#options = options;
    this.#gapMs = 1000 / perSecond;
    this.#windowMs = inWindow * this.#gapMs;
    this.#recent = new Array<number>(inWindow).fill(Number.NEGATIVE_INFINITY);
    this.#nextAt = from;
  }

  /** The stretch of time that the pace is kept over; who does not know what was before waits for it. */
  static windowMs(perSecond: number): number {
    return Math.max(1000, 1000 / perSecond);
  }

  get nextAt(): number {
    const earliest = (this.#recent[this.#turn] ?? 0) + this.#windowMs;
    return Math.max(this.#nextAt, earliest);
  }

  /** Whether one may be done at `now`: then it is counted as done. */
  take(now: number): boolean {
    if (now < this.nextAt) return false;
    this.#recent[this.#turn] = now;
    this.#turn = (this.#turn + 1) % this.#recent.length;
    const { jitter = 0, random } = this.#options;
    const longer = jitter === 0 || random === undefined ? 1 : 1 + jitter * random.fraction();
    this.#nextAt = Math.max(this.#nextAt, now - CATCH_UP_MS) + this.#gapMs * longer;
    return true;
  }

  /** The one that was taken last has been done by now: the process may have been held up in between. */
  done(now: number): void {
    const last = (this.#turn + this.#recent.length - 1) % this.#recent.length;
    this.#recent[last] = now;
  }

  /** Nothing was to be done until `now`: what was not done meanwhile is not made up for. */
  rested(now: number): void {
    this.#nextAt = Math.max(this.#nextAt, now);
  }
}
