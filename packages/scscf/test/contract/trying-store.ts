// A store that tries its users: holds commits back, and fails them when told to.

import type { Change } from "../../src/rows.ts";
import type { Store } from "../../src/store/store.ts";
import { keptStore } from "./kept-store.ts";

export interface TryingStore extends Store {
  /** Commits fail with this, or throw it. */
  problem: Error | undefined;
  throws: boolean;
  /** Commits wait for `letGo`. */
  holds: boolean;
  readonly waiting: number;
  /** Those that wait are kept or fail, in their order. */
  letGo(): void;
  /** Of all commits that were asked for. */
  readonly asked: (readonly Change[])[];
}

export function tryingStore(behind: Store = keptStore()): TryingStore {
  const held: (() => void)[] = [];
  const asked: (readonly Change[])[] = [];
  const store: TryingStore = {
    problem: undefined,
    throws: false,
    holds: false,
    asked,
    load: () => behind.load(),
    close: () => behind.close(),
    commit(changes, done) {
      asked.push(changes);
      if (store.throws) throw store.problem ?? new Error("thrown");
      const carryOut = (): void => {
        if (store.problem === undefined) behind.commit(changes, done);
        else done(store.problem);
      };
      if (store.holds) held.push(carryOut);
      else carryOut();
    },
    get waiting() {
      return held.length;
    },
    letGo() {
      for (const one of held.splice(0)) one();
    },
  };
  return store;
}
