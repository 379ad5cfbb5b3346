// The store that a node's settings name: memory, or an SQLite file.
import { type Clock, nextTurn } from "../platform/clock.ts";
import { oneOf, type SchemaOf, seconds, textThat } from "../platform/settings.ts";
import { memoryRows } from "./memory-rows.ts";
import type { TableFormats } from "./rows.ts";
import { openSqliteRows } from "./sqlite-rows.ts";
import type { RowStore } from "./store.ts";

export interface StoreSettings {
  /** `memory` or `sqlite:PATH`. */
  readonly store: string;
  readonly storeSynchronous: "normal" | "full";
}

/** @param node names the file of the default */
export function storeSettings(node: string): SchemaOf<StoreSettings> {
  return {
    store: textThat({
      doc: "What outlives this process, and where; a folder .ims-lab is made, no other.",
      allowed: "memory, or sqlite:PATH",
      accepts: (store) => store === "memory" || pathOf(store) !== undefined,
      default: `sqlite:.ims-lab/${node}.db`,
    }),
    storeSynchronous: oneOf({
      doc: "SQLite: commits survive the end of the process (normal), or a power failure too (full).",
      words: ["normal", "full"],
      default: "normal",
    }),
  };
}

export interface RestartSettings {
  readonly graceSeconds: number;
}

export const restartSettings: SchemaOf<RestartSettings> = {
  graceSeconds: seconds({
    doc: "What a deadline that passed while the node was down gets, once.",
    max: 3600,
    default: 32,
  }),
};

/** Throws SettingError when it cannot serve; then nothing of it has changed. */
export function openStore<Rows>(
  { store, storeSynchronous }: StoreSettings,
  options: { readonly node: string; readonly tables: TableFormats<Rows>; readonly clock: Clock },
): Promise<RowStore<Rows>> {
  const path = pathOf(store);
  if (path === undefined) return Promise.resolve(memoryRows(options.tables));
  const file = { path, setting: store, synchronous: storeSynchronous };
  return openSqliteRows({ ...options, ...file, nextTurn });
}

function pathOf(store: string): string | undefined {
  return /^sqlite:(.+)$/s.exec(store)?.[1];
}
