// Rows of one table as a store has read them: texts, each made a row when somebody asks for it.

/**
 * A restart moves most rows into tables that keep users at rest as the same text: a hundred thousand objects beside them
 * would cost more than all else. A row is another object each time.
 */
export class StoredRows<Row> implements ReadonlyMap<string, Row> {
  readonly #texts = new Map<string, string>();
  readonly #read: (text: string, id: string) => Row;

  /** @param read throws what is to be said of a text that is no row */
  constructor(read: (text: string, id: string) => Row) {
    this.#read = read;
  }

  keep(id: string, text: string): void {
    this.#texts.set(id, text);
  }

  get size(): number {
    return this.#texts.size;
  }

  has(id: string): boolean {
    return this.#texts.has(id);
  }

  get(id: string): Row | undefined {
    const text = this.#texts.get(id);
    return text === undefined ? undefined : this.#read(text, id);
  }

  keys(): MapIterator<string> {
    return this.#texts.keys();
  }

  *values(): MapIterator<Row> {
    for (const [id, text] of this.#texts) yield this.#read(text, id);
  }

  *entries(): MapIterator<[string, Row]> {
    for (const [id, text] of this.#texts) yield [id, this.#read(text, id)];
  }

  /** Each row with its id and with the text that it was read from. */
  *withTexts(): Generator<[string, Row, string]> {
    for (const [id, text] of this.#texts) yield [id, this.#read(text, id), text];
  }

  [Symbol.iterator](): MapIterator<[string, Row]> {
    return this.entries();
  }

  forEach(callback: (row: Row, id: string, rows: ReadonlyMap<string, Row>) => void): void {
    for (const [id, row] of this) callback(row, id, this);
  }
}

/** Id, row and, where it is at hand, its text. */
export function* withTexts<Row>(
  rows: ReadonlyMap<string, Row>,
): Generator<[string, Row, string | undefined]> {
  if (rows instanceof StoredRows) yield* (rows as StoredRows<Row>).withTexts();
  else for (const [id, row] of rows) yield [id, row, undefined];
}
