// Values under keys that several of them share, in the order in which they came.

/** A key without values costs nothing, one with a single value no collection: most are such. */
export class Groups<K, V extends string | object> {
  readonly #groups = new Map<K, V | Several<V>>();

  /** To be walked through while members come and go, too. */
  of(key: K): readonly V[] {
    const group = this.#groups.get(key);
    if (group === undefined) return NONE;
    return group instanceof Several ? [...group.values] : [group];
  }

  /** How many there are, without listing them. */
  count(key: K): number {
    const group = this.#groups.get(key);
    return group instanceof Several ? group.values.size : Number(group !== undefined);
  }

  /** @param key no slice of a longer text: it is kept */
  add(key: K, value: V): void {
    const group = this.#groups.get(key);
    if (group instanceof Several) group.values.add(value);
    else if (group === undefined) this.#groups.set(key, value);
    else if (group !== value) this.#groups.set(key, new Several(group, value));
  }

  remove(key: K, value: V): void {
    const group = this.#groups.get(key);
    if (group instanceof Several) {
      group.values.delete(value);
      const [only] = group.values;
      if (group.values.size === 1 && only !== undefined) this.#groups.set(key, only);
    } else if (group === value) this.#groups.delete(key);
  }

  /** What was under the key, which is without values now. */
  take(key: K): readonly V[] {
    const values = this.of(key);
    this.#groups.delete(key);
    return values;
  }

  keys(): IterableIterator<K> {
    return this.#groups.keys();
  }

  /** Keys that have values. */
  get size(): number {
    return this.#groups.size;
  }

  clear(): void {
    this.#groups.clear();
  }
}

const NONE: readonly never[] = [];

class Several<V> {
  readonly values: Set<V>;

  constructor(first: V, second: V) {
    this.values = new Set([first, second]);
  }
}
