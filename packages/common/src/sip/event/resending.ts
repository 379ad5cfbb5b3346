// A NOTIFY that must be heard is sent again when it failed and its subscription lives on. RFC 6665 §4.2.2.
import type { Clock, Timer } from "../../platform/clock.ts";
import type { NotifyOutcome } from "./notifier-port.ts";

/** Seconds before the first and, doubled each time, between later attempts. */
const FIRST_SECONDS = 2;
const LONGEST_SECONDS = 64;

interface Waiting {
  readonly failures: number;
  readonly timer: Timer;
}

/** One per thing to be heard, by key; `again` decides at its time whether it is still to be said. */
export class Resending {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An attempt failed: `again` runs after a while, or after the time the answer asks for. */
  failed(key: string, outcome: NotifyOutcome, again: () => void): void {
    const before = this.#waiting.get(key);
    before?.timer.cancel();
    const failures = (before?.failures ?? 0) + 1;
    const pause = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (failures - 1));
    const asked = outcome.kind === "failed" ? (outcome.retryAfter ?? 0) : 0;
    const timer = this.#clock.after(Math.max(pause, asked) * 1000, again);
    this.#waiting.set(key, { failures, timer });
  }

  /** It was heard, or need not be any more. */
  forget(key: string): void {
    this.#waiting.get(key)?.timer.cancel();
    this.#waiting.delete(key);
  }

  close(): void {
    for (const key of [...this.#waiting.keys()]) this.forget(key);
  }
}
