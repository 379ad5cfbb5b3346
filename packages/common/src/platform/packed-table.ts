// Rows by key of which most are at rest: those used lately are objects, the others one text each.

export interface PackedTableOptions<T extends object> {
  /** The row as text, a JSON array; undefined while it is in use and must stay the object it is. */
  pack(row: T): string | undefined;
  /** The same row again. */
  unpack(text: string, key: string): T;
  /** Uses that a row stays an object for after its own last one. */
  readonly warm?: number;
}

const WARM = 2048;

/** Whether a text is that of a row at rest, a JSON array, and not one in use, an object. */
export function isPacked(text: string | undefined): text is string {
  return text?.startsWith("[") === true;
}

/**
 * An object with its strings, numbers and arrays takes several times the room of its text, and a million rows that nobody
 * looks at for half an hour need not be objects. A row that was packed comes back as an equal object, not as the same.
 */
export class PackedTable<T extends object> {
  readonly #options: PackedTableOptions<T>;
  readonly #rows = new Map<string, T | string>();
  /** Keys in the order of their use, as a ring. */
  readonly #used: string[] = [];
  /** Number of the last use of each key in the ring. */
  readonly #lastUse = new Map<string, number>();
  readonly #warm: number;
  #uses = 0;

  constructor(options: PackedTableOptions<T>) {
    this.#options = options;
    this.#warm = options.warm ?? WARM;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  get(key: string): T | undefined {
    const row = this.#rows.get(key);
    if (typeof row !== "string") return row;
    const whole = this.#options.unpack(row, key);
    this.#rows.set(key, whole);
    this.use(key);
    return whole;
  }

  /** The text of a row that nobody uses, which stays at rest; undefined for any other. */
  atRest(key: string): string | undefined {
    const row = this.#rows.get(key);
    return typeof row === "string" ? row : undefined;
  }

  /** @param key no slice of a longer text: it is kept */
  set(key: string, row: T): void {
    this.#rows.set(key, row);
    this.use(key);
  }

  /** A row that nobody uses, new or changed, as `pack` writes it. @param key no slice of a longer text, nor `text` */
  restore(key: string, text: string): void {
    this.#rows.set(key, text);
  }

  delete(key: string): boolean {
    this.#lastUse.delete(key);
    return this.#rows.delete(key);
  }

  /** In the order of the first `set`. */
  keys(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** All rows in turn; looking at one leaves it as it is. */
  *values(): IterableIterator<T> {
    for (const [key, row] of this.#rows)
      yield typeof row === "string" ? this.#options.unpack(row, key) : row;
  }

  clear(): void {
    this.#rows.clear();
    this.#used.length = 0;
    this.#lastUse.clear();
  }

  /** The row of this key stays an object for a while; to be said after a change within it. */
  use(key: string): void {
    const last = this.#uses - 1;
    if (this.#used[last % this.#warm] === key && this.#lastUse.get(key) === last) return;
    const number = this.#uses++;
    const oldest = this.#used[number % this.#warm];
    this.#used[number % this.#warm] = key;
    this.#lastUse.set(key, number);
    // One that was used again since stays: whoever does so may hold it.
    if (oldest === undefined || this.#lastUse.get(oldest) !== number - this.#warm) return;
    this.#lastUse.delete(oldest);
    this.#rest(oldest);
  }

  #rest(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined || typeof row === "string") return;
    const text = this.#options.pack(row);
    if (text !== undefined) this.#rows.set(key, text);
  }
}
