// The store that lives and dies with the process: durable means "in the table".
import type { Change, Contents, Store, Tables } from "./store.ts";

type MutableTables = { [T in keyof Tables]: Map<string, Tables[T]> };

export function memoryStore(): Store {
  const tables: MutableTables = {
    bindings: new Map(),
    subscriptions: new Map(),
  };
  return {
    commit(changes, done): void {
      for (const change of changes) apply(tables, change);
      done();
    },
    load: (): Promise<Contents> =>
      Promise.resolve({
        bindings: [...tables.bindings.values()],
        subscriptions: [...tables.subscriptions.values()],
      }),
    close: (): Promise<void> => Promise.resolve(),
  };
}

function apply(tables: MutableTables, change: Change): void {
  if (change.value === undefined) {
    tables[change.table].delete(change.id);
    return;
  }
  switch (change.table) {
    case "bindings":
      tables.bindings.set(change.id, change.value);
      break;
    case "subscriptions":
      tables.subscriptions.set(change.id, change.value);
      break;
  }
}
