// Messages between the node and the thread that has its SQLite file, and the thread's half of them.

import type { MessagePort } from "node:worker_threads";
import { SettingError } from "../platform/config/error.ts";
import { reasonOf } from "../platform/thrown.ts";
import type { FlatRows } from "./group-commit.ts";
import type { SqliteFile } from "./sqlite-file.ts";

export type SqliteRequest =
  | { readonly kind: "write"; readonly rows: FlatRows }
  | { readonly kind: "read" }
  | { readonly kind: "close" };

export type SqliteReply =
  | { readonly kind: "open" }
  | { readonly kind: "refused"; readonly refusal: SqliteRefusal }
  | { readonly kind: "written"; readonly problem: string | undefined }
  /** Table, id, text; then the next row. */
  | { readonly kind: "rows"; readonly rows: readonly string[] }
  | { readonly kind: "read" }
  | { readonly kind: "closed" };

/** A SettingError on its way between threads. */
export interface SqliteRefusal {
  readonly key: string;
  readonly value: unknown;
  readonly allowed: string;
}

/** Rows that go to the node at once: it takes them over while the next ones are read. */
const ROWS_AT_ONCE = 1000;

/** Serves a node until it says `close`. @param open throws SettingError */
export function serveSqlite(port: MessagePort, open: () => SqliteFile): void {
  const reply = (message: SqliteReply): void => port.postMessage(message);
  const file = refusing(reply, open);
  if (file === undefined) return;
  reply({ kind: "open" });
  port.on("message", (request: SqliteRequest) => {
    switch (request.kind) {
      case "write":
        reply({ kind: "written", problem: problemOf(() => file.write(request.rows)) });
        break;
      case "read":
        refusing(reply, () => {
          for (const rows of file.read(ROWS_AT_ONCE)) reply({ kind: "rows", rows });
          reply({ kind: "read" });
        });
        break;
      case "close":
        file.close();
        reply({ kind: "closed" });
        port.close();
        break;
    }
  });
}

function problemOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (problem) {
    return reasonOf(problem);
  }
}

function refusing<T>(reply: (message: SqliteReply) => void, act: () => T): T | undefined {
  try {
    return act();
  } catch (problem) {
    if (!(problem instanceof SettingError)) throw problem;
    const { key, value, allowed } = problem;
    reply({ kind: "refused", refusal: { key, value, allowed } });
    return undefined;
  }
}
