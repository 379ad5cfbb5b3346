// Not more often than every so often per subscriber; what comes meanwhile is said in one. RFC 3680 §4.10.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";

export class Spacing<T> {
  readonly #options: SpacingOptions<T>;
  /** Who was told within the interval. */
  readonly #recent = new Map<string, Recent<T>>();

  constructor(options: SpacingOptions<T>) {
    this.#options = options;
  }

  /** Whether what is said now is told at once. */
  isFree(id: string): boolean {
    return !this.#recent.has(id);
  }

  say(id: string, what: T): void {
    const { clock, intervalMs, merge, tell } = this.#options;
    const recent = this.#recent.get(id);
    if (recent !== undefined) {
      const { next } = recent;
      recent.next = next === undefined ? what : merge(next, what);
      return;
    }
    const timer = clock.after(intervalMs, () => this.#over(id));
    this.#recent.set(id, { timer, next: undefined });
    tell(id, what);
  }

  /** Ends all timers; what waits is not said. */
  close(): void {
    for (const { timer } of this.#recent.values()) timer.cancel();
    this.#recent.clear();
  }

  #over(id: string): void {
    const next = this.#recent.get(id)?.next;
    this.#recent.delete(id);
    if (next !== undefined) this.say(id, next);
  }
}

interface Recent<T> {
  readonly timer: Timer;
  /** What came since. */
  next: T | undefined;
}

export interface SpacingOptions<T> {
  readonly clock: Clock;
  readonly intervalMs: number;
  merge(earlier: T, later: T): T;
  tell(id: string, what: T): void;
}
