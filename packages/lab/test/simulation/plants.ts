// Bugs that can be planted in a run, to see that the simulation finds them.
import type { Scscf } from "../../../scscf/src/node.ts";
import type { Store } from "../../../scscf/src/store/store.ts";

export interface Plant {
  /** Behind the node's commits. */
  store(store: Store): Store;
  /** A node that has started. */
  scscf(scscf: Scscf): void;
}

export const NO_PLANT: Plant = { store: (store) => store, scscf: () => undefined };
