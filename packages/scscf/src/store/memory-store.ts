// The store that lives and dies with the process: durable means "in the table".
import type { Change, Contents, Store, Tables } from "./store.ts";

type MutableTables = { [T in keyof Tables]: Map<string, Tables[T]> };

export function memoryStore(): Store {
  const tables: MutableTables = {
    bindings: new Map(),
    subscriptions: new Map(),
    sqnMarks: new Map(),
  };
  return {
    commit(changes, done): void {
      for (const change of changes) apply(tables, change);
      done();
    },
    load: (): Promise<Contents> =>
      Promise.resolve({
        bindings: new Map(tables.bindings),
        subscriptions: new Map(tables.subscriptions),
        sqnMarks: new Map(tables.sqnMarks),
      }),
    close: (): Promise<void> => Promise.resolve(),
  };
}

function apply(tables: MutableTables, { table, id, value }: Change): void {
  if (value === undefined) tables[table].delete(id);
  else (tables[table] as Map<string, typeof value>).set(id, value);
}
