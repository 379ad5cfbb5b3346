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

/** A row as an object, among the others in the order of their last use. */
class WarmRow<T> {
  readonly key: string;
  row: T;
  /** Number of its last use; 0: it is in no order, and rests when it has been used again. */
  lastUse = 0;
  before: WarmRow<T> | undefined;
  after: WarmRow<T> | undefined;

  constructor(key: string, row: T) {
    this.key = key;
    this.row = row;
  }
}

/**
 * An object with its strings, numbers and arrays takes several times the room of its text, and a million rows that nobody
 * looks at for half an hour need not be objects. A row that was packed comes back as an equal object, not as the same.
 */
export class PackedTable<T extends object> {
  readonly #options: PackedTableOptions<T>;
  readonly #rows = new Map<string, WarmRow<T> | string>();
  readonly #warm: number;
  #oldest: WarmRow<T> | undefined;
  #latest: WarmRow<T> | undefined;
  /** The row that was looked up last: it is asked for again at once. */
  #found: WarmRow<T> | undefined;
  #uses = 0;

  constructor(options: PackedTableOptions<T>) {
    this.#options = options;
    this.#warm = options.warm ?? WARM;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  get(key: string): T | undefined {
    const found = this.#find(key);
    if (typeof found !== "string") return found?.row;
    const row = this.#options.unpack(found, key);
    this.#wake(key, row);
    return row;
  }

  /** The row as an object; looking at it leaves it as it is. */
  look(key: string): T | undefined {
    const found = this.#rows.get(key);
    return typeof found === "string" ? this.#options.unpack(found, key) : found?.row;
  }

  /** The text of a row that nobody uses, which stays at rest; undefined for any other. */
  atRest(key: string): string | undefined {
    const row = this.#find(key);
    return typeof row === "string" ? row : undefined;
  }

  /** @param key no slice of a longer text: it is kept */
  set(key: string, row: T): void {
    const found = this.#find(key);
    if (found === undefined || typeof found === "string") {
      this.#wake(key, row);
      return;
    }
    found.row = row;
    this.#used(found);
  }

  /**
   * Writes a row at rest anew, which stays at rest.
   * @param rewrite undefined: it cannot be done without taking the row apart
   * @returns whether it was done
   */
  rewrite(key: string, rewrite: (text: string) => string | undefined): boolean {
    const row = this.#rows.get(key);
    const text = typeof row === "string" ? rewrite(row) : undefined;
    if (text === undefined) return false;
    this.#rows.set(key, text);
    return true;
  }

  /** A row that nobody uses, new or changed, as `pack` writes it. @param key no slice of a longer text, nor `text` */
  restore(key: string, text: string): void {
    const found = this.#rows.get(key);
    if (found !== undefined && typeof found !== "string") this.#release(found);
    this.#rows.set(key, text);
  }

  delete(key: string): boolean {
    const found = this.#rows.get(key);
    if (found === undefined) return false;
    if (typeof found !== "string") this.#release(found);
    return this.#rows.delete(key);
  }

  /** In the order of the first `set`. */
  keys(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** All rows in turn; looking at one leaves it as it is. */
  *values(): IterableIterator<T> {
    for (const [key, found] of this.#rows)
      yield typeof found === "string" ? this.#options.unpack(found, key) : found.row;
  }

  clear(): void {
    this.#rows.clear();
    this.#found = undefined;
    this.#oldest = undefined;
    this.#latest = undefined;
  }

  /** The row of this key stays an object for a while; to be said after a change within it. */
  use(key: string): void {
    const found = this.#find(key);
    if (found !== undefined && typeof found !== "string") this.#used(found);
  }

  #find(key: string): WarmRow<T> | string | undefined {
    if (this.#found?.key === key) return this.#found;
    const row = this.#rows.get(key);
    if (typeof row === "object") this.#found = row;
    return row;
  }

  #wake(key: string, row: T): void {
    const woken = new WarmRow(key, row);
    this.#rows.set(key, woken);
    this.#found = woken;
    this.#used(woken);
  }

  /** Whoever uses it may hold it: it comes to rest after all that were used before. */
  #used(row: WarmRow<T>): void {
    if (row === this.#latest) return;
    this.#unlink(row);
    row.before = this.#latest;
    if (this.#latest === undefined) this.#oldest = row;
    else this.#latest.after = row;
    this.#latest = row;
    row.lastUse = ++this.#uses;
    const until = this.#uses - this.#warm;
    for (let at = this.#oldest; at !== undefined && at.lastUse <= until; at = this.#oldest)
      this.#rest(at);
  }

  #rest(row: WarmRow<T>): void {
    this.#release(row);
    const text = this.#options.pack(row.row);
    if (text !== undefined) this.#rows.set(row.key, text);
  }

  /** It may be the row of its key no more. */
  #release(row: WarmRow<T>): void {
    if (row === this.#found) this.#found = undefined;
    this.#unlink(row);
  }

  #unlink(row: WarmRow<T>): void {
    if (row.lastUse === 0) return;
    const { before, after } = row;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#latest = before;
    else after.before = before;
    row.before = undefined;
    row.after = undefined;
    row.lastUse = 0;
  }
}
