// How much new work a node takes: the occupancy algorithm, fed by how busy the event loop is. RFC 6357 §4, RFC 7339 §5.
import type { Clock, Timer } from "../../platform/clock.ts";

/** Where a node's load is read. */
export interface LoadSource {
  /** Share of the time since the last call that this process was at work, 0 to 1. */
  busyShare(): number;
}

export interface GovernorOptions {
  readonly clock: Clock;
  readonly source: LoadSource;
  /** Share of time at work that is aimed at; 1: only the lag counts. */
  readonly maxBusyShare: number;
  readonly maxLoopLagMs: number;
}

const INTERVAL_MS = 100;
/** Always busy says nothing about how much too much there is: down in larger steps. */
const SATURATED = 0.995;
const DOWN_SATURATED = 0.85;
const DOWN_LATE = 0.7;
/** So many intervals may be too busy before anything is turned away: starts and bursts are no overload. */
const PATIENCE = 5;
/** The next node's word that it has too much. */
const DOWN_PRESSED = 0.9;
const MOST_UP = 1.25;
/** What always gets a try, so that the end of the overload is noticed. */
const LEAST = 0.01;

/** Two shares: of new work, and, only when turning that away is not enough, of work in progress. */
export class Governor {
  readonly #options: GovernorOptions;
  #timer: Timer | undefined;
  #fresh = 1;
  #ongoing = 1;
  #pressed = false;
  #busyIntervals = 0;

  constructor(options: GovernorOptions) {
    this.#options = options;
    options.source.busyShare();
    this.#wait();
  }

  /** Share of new work that is taken. */
  get freshShare(): number {
    return this.#fresh;
  }

  /** Share of work in progress that is taken. */
  get ongoingShare(): number {
    return this.#ongoing;
  }

  /** A node behind this one refused work because it has too much. */
  press(): void {
    this.#pressed = true;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    const { clock } = this.#options;
    const due = clock.now() + INTERVAL_MS;
    this.#timer = clock.at(due, () => {
      this.#adjust(this.#factor(clock.now() - due));
      this.#wait();
    });
  }

  #factor(lateMs: number): number {
    const { source, maxBusyShare, maxLoopLagMs } = this.#options;
    const busy = source.busyShare();
    const pressed = this.#pressed;
    this.#pressed = false;
    const step = this.#stepDown(busy, lateMs > maxLoopLagMs);
    this.#busyIntervals = step === undefined ? 0 : this.#busyIntervals + 1;
    const isOverload = this.#fresh < 1 || this.#busyIntervals >= PATIENCE;
    if (step !== undefined) return isOverload ? step : 1;
    return pressed ? DOWN_PRESSED : Math.min(MOST_UP, maxBusyShare / Math.max(busy, LEAST));
  }

  /** Undefined: not too busy. */
  #stepDown(busy: number, isLate: boolean): number | undefined {
    const { maxBusyShare } = this.#options;
    if (isLate) return DOWN_LATE;
    if (maxBusyShare === 1 || busy <= maxBusyShare) return undefined;
    return busy >= SATURATED ? DOWN_SATURATED : maxBusyShare / busy;
  }

  #adjust(factor: number): void {
    // Work in progress is the last to be turned away and the first to be taken again.
    if (factor < 1 && this.#fresh > LEAST) this.#fresh = Math.max(LEAST, this.#fresh * factor);
    else if (factor < 1) this.#ongoing = Math.max(LEAST, this.#ongoing * factor);
    else if (this.#ongoing < 1) this.#ongoing = Math.min(1, this.#ongoing * factor);
    else this.#fresh = Math.min(1, this.#fresh * factor);
  }
}
