// A store whose rows outlive the node that has written them, as texts; for restarts under a fake clock.
import type { RowChange, RowsById, TableFormats } from "../store/rows.ts";
import { noRows } from "../store/rows.ts";
import type { RowStore } from "../store/store.ts";

/** Commits are answered at once, or never once it has been cut off; `reopened` has what was answered. */
export class TextRows<Rows> implements RowStore<Rows> {
  readonly #tables: TableFormats<Rows>;
  readonly #texts: Map<keyof Rows, Map<string, string>>;
  #isCut = false;
  isFailing = false;

  constructor(tables: TableFormats<Rows>, texts?: Map<keyof Rows, Map<string, string>>) {
    this.#tables = tables;
    const names = Object.keys(tables) as (keyof Rows)[];
    this.#texts = texts ?? new Map(names.map((name) => [name, new Map()]));
  }

  commit(changes: readonly RowChange<Rows>[], done: (problem?: Error) => void): void {
    if (this.#isCut) return;
    if (this.isFailing) {
      done(new Error("the store is made to fail"));
      return;
    }
    for (const { table, id, value } of changes) {
      const rows = this.#texts.get(table);
      if (value === undefined) rows?.delete(id);
      else rows?.set(id, this.#tables[table].write(value as Rows[keyof Rows]));
    }
    done();
  }

  load(): Promise<RowsById<Rows>> {
    const contents = noRows(this.#tables);
    for (const [table, rows] of this.#texts)
      for (const [id, text] of rows) contents[table].keep(id, text);
    return Promise.resolve(contents);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The same rows for the next process: from now on nothing of this one is kept or answered. */
  reopened(): TextRows<Rows> {
    this.#isCut = true;
    return new TextRows(this.#tables, this.#texts);
  }
}
