// Bugs that are planted in a run, each by wrapping what the S-CSCF is given, to see that the simulation finds them.
import { nextSqn } from "@ims-lab/common/ims/sqn";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Change } from "../../../scscf/src/rows.ts";
import type { Store } from "../../../scscf/src/store/store.ts";

export interface Plant {
  /** What the bug is. */
  readonly says: string;
  /** Between the node and its disk. @param clock of the node */
  store(store: Store, clock: Clock): Store;
}

const EVERY_NTH = 20;

/** By name. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "lost-commit": {
    says: "every 20th commit is said to be durable, and is not",
    store: (store) => {
      let count = 0;
      return {
        load: () => store.load(),
        close: () => store.close(),
        commit: (changes, done) => {
          if (changes.length > 0 && ++count % EVERY_NTH === 0) store.commit([], done);
          else store.commit(changes, done);
        },
      };
    },
  },
  "deadline-twice": {
    says: "a restart gives each re-authentication its time once more",
    store: (store, clock) => ({
      ...forwarding(store),
      load: async () => {
        const contents = await store.load();
        const bindings = new Map(contents.bindings);
        for (const [token, binding] of bindings) {
          const { reauthentication } = binding;
          if (reauthentication === undefined) continue;
          const deadline = clock.now() + 600_000;
          const later = { ...reauthentication, deadline };
          bindings.set(token, { ...binding, expiresAt: deadline, reauthentication: later });
        }
        return { ...contents, bindings };
      },
    }),
  },
  "version-back": {
    says: "a subscription is kept with the version and CSeq before its last NOTIFY",
    store: (store) => ({
      ...forwarding(store),
      commit: (c, done) => store.commit(c.map(older), done),
    }),
  },
  "sqn-back": {
    says: "marks of sequence numbers are not kept",
    store: (store) => ({
      ...forwarding(store),
      commit: (changes, done) =>
        store.commit(
          changes.map((change) =>
            change.table === "sqnMarks" && change.value !== undefined
              ? { ...change, value: nextSqn(0) }
              : change,
          ),
          done,
        ),
    }),
  },
};

function forwarding(store: Store): Store {
  return {
    load: () => store.load(),
    close: () => store.close(),
    commit: (changes, done) => store.commit(changes, done),
  };
}

function older(change: Change): Change {
  if (change.table !== "subscriptions" || change.value === undefined) return change;
  const { value } = change;
  const { dialog, version } = value;
  const back = { ...dialog, localCseq: Math.max(0, dialog.localCseq - 1) };
  return { ...change, value: { ...value, dialog: back, version: Math.max(0, version - 1) } };
}
