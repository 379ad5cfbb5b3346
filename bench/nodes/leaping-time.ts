// Time of a bench: stands still, leaps, or goes with the system's, as told.
import type { Clock } from "@ims-lab/common/platform/clock";

export class LeapingTime {
  readonly #real: Clock;
  #at = 1_700_000_000_000;
  #goingSince: number | undefined;

  constructor(real: Clock) {
    this.#real = real;
  }

  readonly now = (): number =>
    this.#goingSince === undefined ? this.#at : this.#at + this.#real.now() - this.#goingSince;

  leap(milliseconds: number): void {
    this.#at += milliseconds;
  }

  go(): void {
    this.#goingSince = this.#real.now();
  }

  stop(): void {
    this.#at = this.now();
    this.#goingSince = undefined;
  }
}
