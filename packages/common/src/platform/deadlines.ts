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
}

/** What a message may have to wait when many are due at once. */
const SLICE_MS = 8;
/** A timer that is due now may come before the sockets are read. */
const PAUSE_MS = 1;
/** Deadlines between two looks at the clock. */
const LOOK_EVERY = 16;
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
    const { clock, dueOf, onDue } = this.#options;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    const now = clock.now();
    let seen = 0;
    try {
      while (this.#heap.nextDue <= now) {
        const key = this.#heap.pop() as K;
        const due = dueOf(key);
        if (due !== undefined && due > now) this.#heap.push(due, key);
        else if (due !== undefined) onDue(key);
        seen += 1;
        if (seen % LOOK_EVERY !== 0 || clock.now() < now + SLICE_MS) continue;
        this.#pausedUntil = clock.now() + PAUSE_MS;
        break;
      }
    } finally {
      this.#arm();
    }
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
