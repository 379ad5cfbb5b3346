// Many deadlines by key over one timer: two numbers' room each, where a timer of its own takes ten times that.
import type { Clock, Timer } from "./clock.ts";

export interface DeadlinesOptions<K> {
  readonly clock: Clock;
  /** The deadline of a key as it is now, milliseconds since the epoch; undefined: it has none any more. */
  dueOf(key: K): number | undefined;
  /** Keys that have one. */
  count(): number;
  /** The deadline has come. Another one of the same key must be added. */
  onDue(key: K): void;
}

/** Below this size, deadlines that have moved are not worth a sweep. */
const SMALL = 64;

/**
 * A binary heap. A deadline that moves to a later time needs nothing: it is looked at when the earlier time comes. One that
 * has gone or moved is dropped then, or when most of them are such.
 */
export class Deadlines<K> {
  readonly #options: DeadlinesOptions<K>;
  readonly #times: number[] = [];
  readonly #keys: K[] = [];
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(options: DeadlinesOptions<K>) {
    this.#options = options;
  }

  /** Entries, those that have moved or gone included. */
  get size(): number {
    return this.#times.length;
  }

  /** @param time milliseconds since the epoch, finite */
  add(key: K, time: number): void {
    this.#sweepIfMostlyStale();
    this.#push(key, time);
    this.#arm();
  }

  /** A key has gone: without any left, no timer is. */
  gone(): void {
    if (this.#options.count() === 0) this.close();
    else this.#sweepIfMostlyStale();
  }

  close(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#times.length = 0;
    this.#keys.length = 0;
  }

  #arm(): void {
    const first = this.#times[0] ?? Number.POSITIVE_INFINITY;
    if (first === this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = first;
    this.#timer =
      first === Number.POSITIVE_INFINITY
        ? undefined
        : this.#options.clock.at(first, () => this.#fire());
  }

  #fire(): void {
    const { clock, dueOf, onDue } = this.#options;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    const now = clock.now();
    try {
      for (;;) {
        const first = this.#times[0];
        if (first === undefined || first > now) break;
        const key = this.#pop();
        const due = dueOf(key);
        if (due === undefined) continue;
        if (due > now) this.#push(key, due);
        else onDue(key);
      }
    } finally {
      this.#arm();
    }
  }

  #sweepIfMostlyStale(): void {
    const { length } = this.#times;
    if (length <= SMALL || length <= 2 * this.#options.count()) return;
    const keys = new Set(this.#keys);
    this.#times.length = 0;
    this.#keys.length = 0;
    for (const key of keys) {
      const due = this.#options.dueOf(key);
      if (due !== undefined) this.#push(key, due);
    }
  }

  #push(key: K, time: number): void {
    const times = this.#times;
    const keys = this.#keys;
    let at = times.length;
    times.push(time);
    keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = times[parent] as number;
      if (above <= time) break;
      times[at] = above;
      keys[at] = keys[parent] as K;
      at = parent;
    }
    times[at] = time;
    keys[at] = key;
  }

  #pop(): K {
    const times = this.#times;
    const keys = this.#keys;
    const first = keys[0] as K;
    const time = times.pop() as number;
    const key = keys.pop() as K;
    const { length } = times;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= time) break;
      times[at] = times[child] as number;
      keys[at] = keys[child] as K;
      at = child;
    }
    times[at] = time;
    keys[at] = key;
    return first;
  }
}
