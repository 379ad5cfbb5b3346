// Not more often than every so often per subscriber; what comes meanwhile is said in one. RFC 3680 §4.10.
import type { Clock } from "@ims-lab/common/platform/clock";

export class Spacing<T> {
  readonly #options: SpacingOptions<T>;
  /** Who was told within the interval, and what came since. */
  readonly #recent = new Map<string, T | undefined>();

  constructor(options: SpacingOptions<T>) {
    this.#options = options;
  }

  say(id: string, what: T): void {
    const { clock, intervalMs, merge, tell } = this.#options;
    if (this.#recent.has(id)) {
      const before = this.#recent.get(id);
      this.#recent.set(id, before === undefined ? what : merge(before, what));
      return;
    }
    this.#recent.set(id, undefined);
    clock.after(intervalMs, () => this.#over(id));
    tell(id, what);
  }

  #over(id: string): void {
    const what = this.#recent.get(id);
    this.#recent.delete(id);
    if (what !== undefined) this.say(id, what);
  }
}

export interface SpacingOptions<T> {
  readonly clock: Clock;
  readonly intervalMs: number;
  merge(earlier: T, later: T): T;
  tell(id: string, what: T): void;
}
