// Durable rows of a node, table by table: each table with the way its rows are written as text.

/** How the rows of one table are written; `read` is the inverse of `write`. */
export interface RowFormat<Row> {
  write(row: Row): string;
  /** Throws when it is no text of `write`'s. */
  read(text: string, id: string): Row;
}

/** A node's tables by name, e.g. `{ bindings: jsonRow<Binding>() }`. */
export type TableFormats<Rows> = { readonly [T in keyof Rows]: RowFormat<Rows[T]> };

export type RowChange<Rows> = {
  readonly [T in keyof Rows]: {
    readonly table: T;
    readonly id: string;
    /** Undefined removes the row. */
    readonly value: Rows[T] | undefined;
    /** Rows that one node has at a time, where nodes share them; absent: see `SharedTables`. */
    readonly group?: string;
  };
}[keyof Rows];

/** By id, in no order. */
export type RowsById<Rows> = { readonly [T in keyof Rows]: ReadonlyMap<string, Rows[T]> };

/** For each table a map without rows, to be filled. */
export function noRows<Rows>(tables: TableFormats<Rows>): {
  readonly [T in keyof Rows]: Map<string, Rows[T]>;
} {
  const empty = Object.keys(tables).map((name) => [name, new Map<string, never>()] as const);
  return Object.fromEntries(empty) as unknown as {
    readonly [T in keyof Rows]: Map<string, Rows[T]>;
  };
}

/** Rows that are plain data. */
export function jsonRow<Row>(): RowFormat<Row> {
  return { write: (row) => JSON.stringify(row), read: (text) => JSON.parse(text) as Row };
}

/** Rows with a shorter text, a JSON array, for the states in which most of them are. */
export function packedRow<Row extends object>(
  pack: (row: Row) => string | undefined,
  unpack: (text: string, id: string) => Row,
): RowFormat<Row> {
  return {
    write: (row) => pack(row) ?? JSON.stringify(row),
    read: (text, id) => (text.startsWith("[") ? unpack(text, id) : (JSON.parse(text) as Row)),
  };
}
