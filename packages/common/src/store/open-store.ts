// The store that a node's settings name: memory, an SQLite file, or a Redis.
import { type Clock, nextTurn } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Secret } from "../platform/secret.ts";
import { oneOf, type SchemaOf, seconds, secret, textThat } from "../platform/settings.ts";
import { memoryRows } from "./memory-rows.ts";
import type { TableFormats } from "./rows.ts";
import { openSqliteRows } from "./sqlite-rows.ts";
import type { RowStore } from "./store.ts";

export interface StoreSettings {
  /** `memory`, `sqlite:PATH`, or the URL of a Redis. */
  readonly store: string;
  /** Of a Redis. */
  readonly storePassword: Secret | undefined;
  readonly storeSynchronous: "normal" | "full";
}

/** @param node names the file of the default */
export function storeSettings(node: string): SchemaOf<StoreSettings> {
  return {
    store: textThat({
      doc: "What outlives this process, and where; a folder .ims-lab is made, no other.",
      allowed: "memory, sqlite:PATH, redis://HOST[:PORT][/DB] or rediss://…, without a password",
      accepts: (store) => store === "memory" || pathOf(store) !== undefined || isRedisUrl(store),
      default: `sqlite:.ims-lab/${node}.db`,
    }),
    storePassword: secret({ doc: "Password at the Redis or Valkey." }),
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
export async function openStore<Rows>(
  { store, storePassword, storeSynchronous }: StoreSettings,
  options: {
    readonly node: string;
    readonly tables: TableFormats<Rows>;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
  },
): Promise<RowStore<Rows>> {
  if (isRedisUrl(store)) {
    // Its client is a third of all files that a node would load.
    const { openRedisRows } = await import("./redis-rows.ts");
    return openRedisRows({ ...options, url: store, password: storePassword, nextTurn });
  }
  const path = pathOf(store);
  if (path === undefined) return memoryRows(options.tables);
  const file = { path, setting: store, synchronous: storeSynchronous };
  return openSqliteRows({ ...options, ...file, nextTurn });
}

function pathOf(store: string): string | undefined {
  return /^sqlite:(.+)$/s.exec(store)?.[1];
}

/** With a host, and without a password or options. */
export function isRedisUrl(store: string): boolean {
  if (!/^rediss?:/.test(store) || !URL.canParse(store)) return false;
  const { hostname, username, password, pathname, search, hash } = new URL(store);
  const isPlain = username + password + search + hash === "";
  return hostname !== "" && isPlain && /^(\/\d*)?$/.test(pathname);
}
