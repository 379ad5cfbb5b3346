// The store of a node whose registrations live and die with its process: the node's own tables are all there is.
import type { Contents } from "../rows.ts";
import type { Store } from "./store.ts";

/** Keeps no second copy of anything: what a new process could load has died with the old one. */
export function memoryStore(): Store {
  return {
    commit: (_changes, done) => done(),
    load: (): Promise<Contents> =>
      Promise.resolve({
        bindings: new Map(),
        subscriptions: new Map(),
        sqnMarks: new Map(),
        campaigns: new Map(),
        policy: new Map(),
        subscribers: new Map(),
      }),
    close: (): Promise<void> => Promise.resolve(),
  };
}
