// Durable rows of a node, table by table: each table with the way its rows are written as text.
import { isPacked } from "../platform/packed-table.ts";
import { printable } from "../platform/printable.ts";
import { reasonOf } from "../platform/thrown.ts";
import { StoredRows } from "./stored-rows.ts";

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

/**
 * For each table one without rows, to be filled.
 * @param refusal what is thrown where a text that is no row is asked for: `bindings c7 (Unexpected end of JSON input)`
 */
export function noRows<Rows>(
  tables: TableFormats<Rows>,
  refusal: (row: string) => Error = (row) => new Error(`no row: ${row}`),
): { readonly [T in keyof Rows]: StoredRows<Rows[T]> } {
  const names = Object.keys(tables) as (keyof Rows & string)[];
  const empty = names.map((table) => {
    const rows = new StoredRows((text, id) => readRow(tables, table, id, text, refusal));
    return [table, rows] as const;
  });
  return Object.fromEntries(empty) as unknown as {
    readonly [T in keyof Rows]: StoredRows<Rows[T]>;
  };
}

/** @param refusal what is thrown where the text is no row */
export function readRow<Rows, T extends keyof Rows & string>(
  tables: TableFormats<Rows>,
  table: T,
  id: string,
  text: string,
  refusal: (row: string) => Error,
): Rows[T] {
  try {
    return tables[table].read(text, id);
  } catch (problem) {
    throw refusal(`${table} ${printable(id)} (${printable(reasonOf(problem))})`);
  }
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
    read: (text, id) => (isPacked(text) ? unpack(text, id) : (JSON.parse(text) as Row)),
  };
}
