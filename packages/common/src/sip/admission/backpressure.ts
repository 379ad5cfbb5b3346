// Back pressure: the share of new work that still goes on to a next node that says it has too much. RFC 6357 §4, RFC 7339 §5.
const STEP_MS = 100;
const DOWN = 0.9;
const UP = 1.25;
/** What always gets a try, so that the end of the overload is noticed. */
const LEAST = 0.01;

/** Down a step for each tenth of a second with a refusal, up again for each without one. */
export class Backpressure {
  #share = 1;
  #since = 0;

  /** The next node refused work because it has too much. */
  press(now: number): void {
    if (now - this.#since < STEP_MS) return;
    this.#share = Math.max(LEAST, this.share(now) * DOWN);
    this.#since = now;
  }

  /** Share of new work that goes on, 0.01 to 1. */
  share(now: number): number {
    if (this.#share === 1) return 1;
    const steps = Math.max(0, Math.floor((now - this.#since) / STEP_MS) - 1);
    return Math.min(1, this.#share * UP ** steps);
  }
}
