// Pending calls in order of time, then of arrival; those that were cancelled are dropped by and by.
import { DueHeap } from "./due-heap.ts";

/** A pending call; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

class Entry implements Timer {
  callback: (() => void) | undefined;
  readonly #queue: TimerQueue;

  constructor(queue: TimerQueue, callback: () => void) {
    this.#queue = queue;
    this.callback = callback;
  }

  cancel(): void {
    if (this.callback === undefined) return;
    this.callback = undefined;
    this.#queue.noteCancelled();
  }
}

/** Below this size, cancelled entries are not worth a sweep. */
const SMALL = 64;

export class TimerQueue {
  readonly #heap = new DueHeap<Entry>();
  #cancelled = 0;

  /** Number of deadlines that will still fire. */
  get size(): number {
    return this.#heap.size - this.#cancelled;
  }

  /** @param due milliseconds since the epoch; must be a finite number. */
  add(due: number, callback: () => void): Timer {
    if (!Number.isFinite(due)) throw new RangeError(`a deadline must be finite, not ${due}`);
    const entry = new Entry(this, callback);
    this.#heap.push(due, entry);
    return entry;
  }

  /** The earliest deadline, Infinity when there is none. */
  nextDue(): number {
    this.#dropCancelledHead();
    return this.#heap.nextDue;
  }

  /** Runs, in order, every callback due at `now` or before; those they add run too if due. */
  runDue(now: number): void {
    while (this.nextDue() <= now) this.runNext();
  }

  /** Runs the earliest callback, if there is one. */
  runNext(): void {
    this.#dropCancelledHead();
    const entry = this.#heap.pop();
    if (entry === undefined) return;
    const { callback } = entry;
    entry.callback = undefined; // cancelling it from now on does nothing
    callback?.();
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#heap.size <= SMALL || this.#cancelled <= this.#heap.size / 2) return;
    this.#heap.keep(({ callback }) => callback !== undefined);
    this.#cancelled = 0;
  }

  #dropCancelledHead(): void {
    while (this.#heap.size > 0 && this.#heap.first?.callback === undefined) {
      this.#heap.pop();
      this.#cancelled--;
    }
  }
}
