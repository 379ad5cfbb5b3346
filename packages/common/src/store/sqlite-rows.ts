// The store in an SQLite file: group commits on a thread of its own, write-ahead log.
import { Worker } from "node:worker_threads";
import type { Clock, NextTurn } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import { GroupCommit } from "./group-commit.ts";
import { noRows, type RowChange, type RowsById, type TableFormats } from "./rows.ts";
import type { SqliteFileOptions } from "./sqlite-file.ts";
import type { SqliteReply, SqliteRequest } from "./sqlite-service.ts";
import type { RowStore } from "./store.ts";

export interface SqliteRowsOptions<Rows> extends Omit<SqliteFileOptions, "tables"> {
  readonly tables: TableFormats<Rows>;
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  /** Script of the thread; tests have one whose disk fails. */
  readonly thread?: URL;
}

/** Waking the thread costs as much as twenty rows, so under load some company is waited for. */
const SPACING_MS = 10;

const THREAD = new URL("./sqlite-thread.ts", import.meta.url);

/** Resolves when the file is open. Throws SettingError when it cannot serve. */
export async function openSqliteRows<Rows>(
  options: SqliteRowsOptions<Rows>,
): Promise<RowStore<Rows>> {
  const store = new SqliteRows(options);
  await store.opened;
  return store;
}

class SqliteRows<Rows> implements RowStore<Rows> {
  readonly opened: Promise<void>;
  readonly #options: SqliteRowsOptions<Rows>;
  readonly #worker: Worker;
  readonly #group: GroupCommit<Rows>;
  #written: (problem?: Error) => void = () => undefined;
  #onRows: (rows: readonly string[]) => void = () => undefined;
  /** Of what was asked last: opening, reading or closing. */
  #answered: (problem?: Error) => void = () => undefined;

  constructor(options: SqliteRowsOptions<Rows>) {
    this.#options = options;
    const { path, setting, node, synchronous, tables, clock, nextTurn } = options;
    const file: SqliteFileOptions = {
      path,
      setting,
      node,
      synchronous,
      tables: Object.keys(tables),
    };
    this.#worker = new Worker(options.thread ?? THREAD, { workerData: file, execArgv: [] });
    this.#worker.on("message", (reply: SqliteReply) => this.#heard(reply));
    this.#group = new GroupCommit({
      tables,
      clock,
      nextTurn,
      spacingMs: SPACING_MS,
      write: (rows, done) => {
        this.#written = done;
        this.#ask({ kind: "write", rows });
      },
    });
    this.opened = this.#answer();
  }

  commit(changes: readonly RowChange<Rows>[], done: (problem?: Error) => void): void {
    this.#group.commit(changes, done);
  }

  async load(): Promise<RowsById<Rows>> {
    const { tables, path, setting } = this.#options;
    await this.#group.idle();
    const contents = noRows(tables, (row) => {
      const allowed = `rows that can be read: ${path} has another, ${row}; nothing was changed`;
      return new SettingError("store", setting, allowed);
    });
    this.#onRows = (rows) => {
      for (let at = 0; at < rows.length; at += 3)
        contents[rows[at] as keyof Rows].keep(rows[at + 1] ?? "", rows[at + 2] ?? "");
    };
    this.#ask({ kind: "read" });
    await this.#answer();
    return contents;
  }

  async close(): Promise<void> {
    await this.#group.idle();
    this.#ask({ kind: "close" });
    await this.#answer();
    await this.#worker.terminate();
  }

  #ask(request: SqliteRequest): void {
    this.#worker.postMessage(request);
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
  }

  #heard(reply: SqliteReply): void {
    switch (reply.kind) {
      case "written":
        this.#written(reply.problem === undefined ? undefined : new Error(reply.problem));
        break;
      case "rows":
        this.#onRows(reply.rows);
        break;
      case "refused": {
        const { key, value, allowed } = reply.refusal;
        this.#answered(new SettingError(key, value, allowed));
        break;
      }
      case "open":
      case "read":
      case "closed":
        this.#answered();
        break;
    }
  }
}
