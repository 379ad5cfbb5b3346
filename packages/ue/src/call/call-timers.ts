// The timers of one call, by name: one of each at a time.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { CallTimer } from "./call-state.ts";

export class CallTimers {
  readonly #clock: Clock;
  readonly #fire: (timer: CallTimer) => void;
  readonly #running = new Map<CallTimer, Timer>();

  constructor(clock: Clock, fire: (timer: CallTimer) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** @param ms from now; one of this name that runs already starts over */
  start(timer: CallTimer, ms: number): void {
    this.stop(timer);
    this.#running.set(
      timer,
      this.#clock.after(ms, () => this.#fire(timer)),
    );
  }

  stop(timer: CallTimer): void {
    this.#running.get(timer)?.cancel();
    this.#running.delete(timer);
  }

  stopAll(): void {
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }
}
