// The store port: nothing that an answer has announced may be lost. Contract: test/contract/store.ts of the S-CSCF.
import type { RowChange, RowsById } from "./rows.ts";

export interface RowStore<Rows> {
  /**
   * All of `changes` or none; of two for one row the later counts. Calls `done` once when they are durable, or with a
   * problem when they are not and nothing of them will be: possibly before it returns, and in the order of the commits,
   * so that a later commit is never durable without an earlier one that succeeded.
   */
  commit(changes: readonly RowChange<Rows>[], done: (problem?: Error) => void): void;
  /**
   * Everything that was committed. At start, before the first commit. A row whose text cannot be read throws SettingError
   * when it is asked for: whoever takes rows over looks at all of them before he changes anything.
   */
  load(): Promise<RowsById<Rows>>;
  /** Ends when every commit has been answered. */
  close(): Promise<void>;
}
