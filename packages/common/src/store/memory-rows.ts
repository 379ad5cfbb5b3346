// The store of a node whose state lives and dies with its process: the node's own tables are all there is.
import { noRows, type TableFormats } from "./rows.ts";
import type { RowStore } from "./store.ts";

/** Keeps no second copy of anything: what a new process could load has died with the old one. */
export function memoryRows<Rows>(tables: TableFormats<Rows>): RowStore<Rows> {
  return {
    commit: (_changes, done) => done(),
    load: () => Promise.resolve(noRows(tables)),
    close: (): Promise<void> => Promise.resolve(),
  };
}
