// Many deadlines by key over one timer: room for three numbers each, where a timer of its own takes several times that.
import type { Clock, Timer } from "./clock.ts";
import { DueHeap } from "./due-heap.ts";

export interface DeadlinesOptions<K> {
  readonly clock: Clock;
  /** The deadline of a key as it is now, milliseconds since the epoch; undefined: it has none any more. */
  dueOf(key: K): number | undefined;
  /** Keys that have one. */
  count(): number;
  /** The deadline has come. Another one of the same key must be added. */
  onDue(key: K): void;
  /** The same of several at once, in the order of their time, where that is less work; one that was moved may be among them twice. */
  onAllDue?(keys: readonly K[]): void;
}

/** What a message may have to wait when many are due at once. */
const SLICE_MS = 8;
/** A timer that is due now may come before the sockets are read. */
const PAUSE_MS = 1;
/** Deadlines between two looks at the clock: one by one, and together. */
const LOOK_EVERY = 16;
const TOGETHER = 64;
/** Below this size, deadlines that have moved are not worth a sweep. */
const SMALL = 64;

/**
 * A deadline that moves to a later time needs nothing: it is looked at when the earlier time comes. One that
 * has gone or moved is dropped then, or when most of them are such. However many are due at once, messages have their turn.
 */
export class Deadlines<K> {
  readonly #options: DeadlinesOptions<K>;
  readonly #heap = new DueHeap<K>();
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  /** Until when messages have their turn, milliseconds since the epoch. */
  #pausedUntil = 0;

  constructor(options: DeadlinesOptions<K>) {
    this.#options = options;
  }

  /** Entries, those that have moved or gone included. */
  get size(): number {
    return this.#heap.size;
  }

  /** The time at which one may be due, milliseconds since the epoch; Infinity when there is none. */
  get nextDue(): number {
    return this.#heap.nextDue;
  }

  /** Keys whose deadline may have come and waits for its turn, in no order; a key may be among them twice. */
  waiting(): readonly K[] {
    return this.#heap.dueBy(this.#options.clock.now());
  }

  /** @param time milliseconds since the epoch, finite */
  add(key: K, time: number): void {
    this.#sweepIfMostlyStale();
    this.#heap.push(time, key);
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
    this.#heap.clear();
  }

  #arm(): void {
    const first = Math.max(this.#heap.nextDue, this.#pausedUntil);
    if (first === this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = first;
    this.#timer =
      first === Number.POSITIVE_INFINITY
        ? undefined
        : this.#options.clock.at(first, () => this.#fire());
  }

  #fire(): void {
    const { clock, onAllDue } = this.#options;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    const now = clock.now();
    try {
      while (this.#heap.nextDue <= now) {
        if (onAllDue === undefined) this.#oneByOne(now);
        else this.#together(now, onAllDue);
        if (clock.now() < now + SLICE_MS) continue;
        this.#pausedUntil = clock.now() + PAUSE_MS;
        break;
      }
    } finally {
      this.#arm();
    }
  }

  #oneByOne(now: number): void {
    for (let seen = 0; seen < LOOK_EVERY && this.#heap.nextDue <= now; seen++) {
      const key = this.#takeFirst(now);
      if (key !== undefined) this.#options.onDue(key);
    }
  }

  #together(now: number, onAllDue: (keys: readonly K[]) => void): void {
    const keys: K[] = [];
    for (let seen = 0; seen < TOGETHER && this.#heap.nextDue <= now; seen++) {
      const key = this.#takeFirst(now);
      if (key !== undefined) keys.push(key);
    }
    onAllDue(keys);
  }

  /** Takes the first one out; undefined where its deadline has moved or gone. */
  #takeFirst(now: number): K | undefined {
    const key = this.#heap.pop() as K;
    const due = this.#options.dueOf(key);
    if (due !== undefined && due <= now) return key;
    if (due !== undefined) this.#heap.push(due, key);
    return undefined;
  }

  #sweepIfMostlyStale(): void {
    const { size } = this.#heap;
    if (size <= SMALL || size <= 2 * this.#options.count()) return;
    const keys = new Set(this.#heap.items());
    this.#heap.clear();
    for (const key of keys) {
      const due = this.#options.dueOf(key);
      if (due !== undefined) this.#heap.push(due, key);
    }
  }
}
