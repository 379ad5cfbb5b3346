// Items in order of the time they are due, then of arrival: a binary heap over flat arrays.

export class DueHeap<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Of the first item, milliseconds since the epoch; Infinity when there is none. */
  get nextDue(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** @param time milliseconds since the epoch, finite */
  push(time: number, item: T): void {
    this.#insert(time, this.#order++, item);
  }

  /** Takes the first one out. */
  pop(): T | undefined {
    const first = this.#items[0];
    const time = this.#times.pop();
    const order = this.#orders.pop();
    const item = this.#items.pop();
    if (time !== undefined && order !== undefined && this.#items.length > 0)
      this.#sink(time, order, item as T);
    return first;
  }

  /** Leaves out all others; those that stay keep their places. */
  keep(isKept: (item: T) => boolean): void {
    const times = this.#times.slice();
    const orders = this.#orders.slice();
    const items = this.#items.slice();
    this.clear();
    for (const [at, item] of items.entries())
      if (isKept(item)) this.#insert(times[at] as number, orders[at] as number, item);
  }

  /** Those due at `time` or before, in no order. */
  dueBy(time: number): readonly T[] {
    return this.#items.filter((_, at) => this.#timeAt(at) <= time);
  }

  items(): readonly T[] {
    return this.#items;
  }

  clear(): void {
    this.#times.length = 0;
    this.#orders.length = 0;
    this.#items.length = 0;
  }

  #insert(time: number, order: number, item: T): void {
    let at = this.#items.length;
    this.#put(at, time, order, item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(time, order, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, item);
  }

  /** Puts an item in at the top, and lets it sink to its place. */
  #sink(time: number, order: number, item: T): void {
    const { length } = this.#items;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < length && this.#isBefore(this.#timeAt(right), this.#orderAt(right), child))
        child = right;
      if (this.#isBefore(time, order, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, item);
  }

  #isBefore(time: number, order: number, at: number): boolean {
    const other = this.#timeAt(at);
    return time < other || (time === other && order < this.#orderAt(at));
  }

  #timeAt(at: number): number {
    return this.#times[at] as number;
  }

  #orderAt(at: number): number {
    return this.#orders[at] as number;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#timeAt(from), this.#orderAt(from), this.#items[from] as T);
  }

  #put(at: number, time: number, order: number, item: T): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#items[at] = item;
  }
}
