// A commit that ends once, whatever the store does: one that throws has failed.
import type { Change } from "../rows.ts";
import type { Store } from "./store.ts";

export function commit(
  store: Store,
  changes: readonly Change[],
  done: (problem?: Error) => void,
): void {
  let isDone = false;
  const once = (problem?: Error): void => {
    if (isDone) return;
    isDone = true;
    done(problem);
  };
  try {
    store.commit(changes, once);
  } catch (thrown) {
    if (isDone) throw thrown; // by what followed
    once(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}
