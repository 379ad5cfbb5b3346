// Timers of one call, one of each name at a time. RFC 3261 §13.3.1.4, §14.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
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

/** Milliseconds before an offer is made again. §14.1: whoever chose the Call-ID, the caller, waits longer. */
export function backOffMs(direction: "outgoing" | "incoming", random: Random): number {
  const units = random.fraction();
  return direction === "outgoing"
    ? 2100 + 10 * Math.floor(190 * units)
    : 10 * Math.floor(200 * units);
}
