// A store that outlives the nodes which use it, in this process: what the contract is written against.
import type { Change, Contents, Tables } from "../../src/rows.ts";
import type { Store } from "../../src/store/store.ts";

type MutableTables = { [T in keyof Tables]: Map<string, Tables[T]> };

export function keptStore(): Store {
  const tables: MutableTables = {
    bindings: new Map(),
    subscriptions: new Map(),
    sqnMarks: new Map(),
    campaigns: new Map(),
    policy: new Map(),
    subscribers: new Map(),
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
        campaigns: new Map(tables.campaigns),
        policy: new Map(tables.policy),
        subscribers: new Map(tables.subscribers),
      }),
    close: (): Promise<void> => Promise.resolve(),
  };
}

function apply(tables: MutableTables, { table, id, value }: Change): void {
  if (value === undefined) tables[table].delete(id);
  else (tables[table] as Map<string, typeof value>).set(id, value);
}
