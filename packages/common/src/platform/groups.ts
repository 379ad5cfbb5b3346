// Values under keys that several of them share; a key without values costs nothing.

export class Groups<K, V> {
  readonly #groups = new Map<K, Set<V>>();

  /** To be walked through while members leave, too. */
  of(key: K): readonly V[] {
    return [...(this.#groups.get(key) ?? [])];
  }

  add(key: K, value: V): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, new Set([value]));
    else group.add(value);
  }

  remove(key: K, value: V): void {
    const group = this.#groups.get(key);
    group?.delete(value);
    if (group?.size === 0) this.#groups.delete(key);
  }

  get size(): number {
    return this.#groups.size;
  }
}
