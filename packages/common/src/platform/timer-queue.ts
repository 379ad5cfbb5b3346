// Deadlines in order of time, then of arrival: a binary heap with lazy removal.

/** A pending call; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

class Entry implements Timer {
  readonly due: number;
  readonly order: number;
  callback: (() => void) | undefined;
  readonly #queue: TimerQueue;

  constructor(queue: TimerQueue, due: number, order: number, callback: () => void) {
    this.#queue = queue;
    this.due = due;
    this.order = order;
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
  #heap: Entry[] = [];
  #cancelled = 0;
  #order = 0;

  /** Number of deadlines that will still fire. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** @param due milliseconds since the epoch; must be a finite number. */
  add(due: number, callback: () => void): Timer {
    if (!Number.isFinite(due)) throw new RangeError(`a deadline must be finite, not ${due}`);
    const entry = new Entry(this, due, this.#order++, callback);
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
    return entry;
  }

  /** The earliest deadline, Infinity when there is none. */
  nextDue(): number {
    this.#dropCancelledHead();
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Runs, in order, every callback due at `now` or before; those they add run too if due. */
  runDue(now: number): void {
    while (this.nextDue() <= now) this.runNext();
  }

  /** Runs the earliest callback, if there is one. */
  runNext(): void {
    this.#dropCancelledHead();
    const entry = this.#pop();
    if (entry === undefined) return;
    const { callback } = entry;
    entry.callback = undefined; // cancelling it from now on does nothing
    callback?.();
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#heap.length > SMALL && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  #dropCancelledHead(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.callback === undefined) {
      this.#pop();
      this.#cancelled--;
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((entry) => entry.callback !== undefined).sort(compare);
    this.#cancelled = 0;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) {
      heap[0] = last;
      this.#siftDown();
    }
    return first;
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!swapIfLater(heap, parent, index)) return;
      index = parent;
    }
  }

  #siftDown(): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      if (left >= heap.length) return;
      const child = right < heap.length && isLater(heap, left, right) ? right : left;
      if (!swapIfLater(heap, index, child)) return;
      index = child;
    }
  }
}

function compare(a: Entry, b: Entry): number {
  return a.due - b.due || a.order - b.order;
}

function isLater(heap: readonly Entry[], index: number, than: number): boolean {
  const a = heap[index];
  const b = heap[than];
  return a !== undefined && b !== undefined && compare(a, b) > 0;
}

function swapIfLater(heap: Entry[], upper: number, lower: number): boolean {
  const a = heap[upper];
  const b = heap[lower];
  if (a === undefined || b === undefined || compare(a, b) <= 0) return false;
  heap[upper] = b;
  heap[lower] = a;
  return true;
}
