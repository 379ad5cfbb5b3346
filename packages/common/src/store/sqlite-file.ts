// A node's rows in one SQLite file: opened for this process alone, checked before anything is written, one transaction per write.
import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SettingError } from "../platform/config/error.ts";
import type { FlatRows } from "./group-commit.ts";

export interface SqliteFileOptions {
  readonly path: string;
  /** As the setting says it, for errors: `sqlite:PATH`. */
  readonly setting: string;
  /** Node whose rows it holds. */
  readonly node: string;
  readonly tables: readonly string[];
  /** `full`: every commit survives a power failure; `normal`: the end of the process. */
  readonly synchronous: "normal" | "full";
}

/** Of the file's tables and of the rows' texts. A newer file is refused. */
const SCHEMA_VERSION = 1;
/** `IMSL`: tells the file from other programs' (offset 68 of an SQLite file). */
const APPLICATION_ID = 0x49_4d_53_4c;
/** How long the end of the process before is waited for. */
const LOCK_WAIT_MS = 1500;
/** The only folder that a node makes itself. */
const OWN_FOLDER = ".ims-lab";

/**
 * One table for the rows of all: what one commit changes lies on few pages. A row keeps the number that it got when it was
 * new, so that rows which come together lie together: those of a key in no order would each cost a page of the log.
 */
export class SqliteFile {
  protected readonly database: DatabaseSync;
  readonly #options: SqliteFileOptions;
  /** By table and id: the row's number. */
  readonly #numbers = new Map<string, Map<string, number>>();
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** The first number that is free. */
  #next = 1;
  #isNumbered = false;

  /** Throws SettingError when the file cannot serve; then nothing of it has changed. */
  constructor(options: SqliteFileOptions) {
    this.#options = options;
    this.database = this.#within(() => openFile(options));
    const { database } = this;
    this.#put = database.prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)");
    this.#remove = database.prepare("DELETE FROM rows WHERE number = ?");
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    for (const table of options.tables) this.#numbers.set(table, new Map());
  }

  /** All of the rows or none. Throws when nothing of them was written. */
  write(rows: FlatRows): void {
    // A node reads everything before it writes.
    if (!this.#isNumbered) for (const _ of this.read(1));
    const numbered: Numbered[] = [];
    this.#begin.run();
    try {
      for (let at = 0; at < rows.length; at += 3)
        this.#writeRow(rows[at] ?? "", rows[at + 1] ?? "", rows[at + 2] ?? null, numbered);
      this.#commit.run();
    } catch (problem) {
      // Of some failures SQLite has undone everything by itself.
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      for (const { table, id, before } of numbered.reverse()) this.#number(table, id, before);
      throw problem;
    }
  }

  #writeRow(table: string, id: string, text: string | null, numbered: Numbered[]): void {
    const before = this.#numbers.get(table)?.get(id);
    if (text === null) {
      if (before === undefined) return;
      this.#remove.run(before);
      this.#number(table, id, undefined);
      numbered.push({ table, id, before });
      return;
    }
    const number = before ?? this.#next;
    this.#put.run(number, table, id, text);
    if (before !== undefined) return;
    this.#next += 1;
    this.#number(table, id, number);
    numbered.push({ table, id, before });
  }

  #number(table: string, id: string, number: number | undefined): void {
    if (number === undefined) this.#numbers.get(table)?.delete(id);
    else this.#numbers.get(table)?.set(id, number);
  }

  /**
   * Table, id, text; then the next row. Rows of tables that this version does not know stay as they are.
   * Throws SettingError when they cannot be read.
   */
  *read(rowsAtOnce: number): Generator<string[]> {
    let some: string[] = [];
    const query = "SELECT number, of, id, row FROM rows ORDER BY number";
    for (const [number, of, id, row] of this.#select<[number, string, string, string]>(query)) {
      if (!this.#isNumbered) {
        this.#next = number + 1;
        this.#number(of, id, number);
      }
      if (this.#numbers.has(of)) some.push(of, id, row);
      if (some.length < rowsAtOnce * 3) continue;
      yield some;
      some = [];
    }
    this.#isNumbered = true;
    yield some;
  }

  *#select<Row>(query: string): Generator<Row> {
    const select = this.#within(() => this.database.prepare(query));
    select.setReturnArrays(true);
    const rows = select.iterate() as unknown as Iterator<Row>;
    for (;;) {
      const next = this.#within(() => rows.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  close(): void {
    this.database.close();
  }

  #within<T>(act: () => T): T {
    try {
      return act();
    } catch (problem) {
      throw refusalOf(problem, this.#options);
    }
  }
}

function openFile(options: SqliteFileOptions): DatabaseSync {
  const { synchronous } = options;
  // Whole, it is a file's name whatever SQLite makes of `:memory:` and `file:`.
  const path = resolve(options.path);
  makeOwnFolder(path);
  refuseSpecial(path, options.setting);
  // It holds the key of tokens, and who is where: nobody else reads it. SQLite gives its log the same rights.
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  try {
    // Before the file is looked at: from then on it is this process's alone, and the index of the log is in its memory.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const isNew = checkOwner(database, options);
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    database.exec("BEGIN IMMEDIATE");
    if (isNew) {
      database.exec(
        "CREATE TABLE owner (node TEXT NOT NULL); CREATE TABLE rows (number INTEGER PRIMARY KEY, of TEXT NOT NULL, id TEXT NOT NULL, row TEXT NOT NULL)",
      );
      database.prepare("INSERT INTO owner VALUES (?)").run(options.node);
    }
    // Written even when they stand there: a file that cannot be written is found out now.
    database.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`,
    );
    database.exec("COMMIT");
    return database;
  } catch (problem) {
    database.close();
    throw problem;
  }
}

/** A pipe would be waited for, a device is nowhere to keep anything. */
function refuseSpecial(path: string, setting: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile() || found.isDirectory()) return;
  throw new SettingError(
    "store",
    setting,
    `a file's path: ${path} is a device, a pipe or a socket`,
  );
}

function makeOwnFolder(path: string): void {
  const folder = dirname(path);
  if (basename(folder) === OWN_FOLDER && !existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}

/** Whether it is a new file. Throws when it is another's, or of another version. */
function checkOwner(database: DatabaseSync, { node, path, setting }: SqliteFileOptions): boolean {
  const count = numberIn(database, "SELECT count(*) FROM sqlite_schema");
  const version = numberIn(database, "PRAGMA user_version");
  const refused = (allowed: string): SettingError => new SettingError("store", setting, allowed);
  if (count === 0 && version === 0) return true;
  if (numberIn(database, "PRAGMA application_id") !== APPLICATION_ID)
    throw refused(
      `a file of ims-lab's: ${path} is another program's SQLite database; nothing was changed`,
    );
  if (version > SCHEMA_VERSION)
    throw refused(
      `a file that this version reads: ${path} was written by a newer one (schema ${version}, this one reads ${SCHEMA_VERSION}); nothing was changed: run the newer version, or give another path`,
    );
  const owner = database.prepare("SELECT node FROM owner").get()?.["node"];
  if (owner !== node)
    throw refused(
      `a file of its own: ${path} holds the rows of ${String(owner)}; nothing was changed`,
    );
  return false;
}

function numberIn(database: DatabaseSync, query: string): number {
  const [value] = Object.values(database.prepare(query).get() ?? {});
  return Number(value);
}

/** A row that has got a number, or lost the one it had before. */
interface Numbered {
  readonly table: string;
  readonly id: string;
  readonly before: number | undefined;
}

/** Primary result codes, https://www.sqlite.org/rescode.html. */
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The system's errors, where SQLite has not come to its own. */
const RESULT_OF: Readonly<Record<string, number>> = { EROFS: READONLY, ENOSPC: FULL, EDQUOT: FULL };

function refusalOf(problem: unknown, { path, setting }: SqliteFileOptions): unknown {
  if (problem instanceof SettingError || !(problem instanceof Error)) return problem;
  const { errcode, code } = problem as { errcode?: number; code?: string };
  if (errcode === undefined && code === undefined) return problem;
  const primary = errcode === undefined ? (RESULT_OF[code ?? ""] ?? CANTOPEN) : errcode & 0xff;
  const allowed = expected(primary, path);
  return new SettingError("store", setting, `${allowed} (${problem.message})`);
}

function expected(code: number, path: string): string {
  if (code === CANTOPEN) return cannotOpen(path);
  return EXPECTED[code]?.(path) ?? `a file that can be read and written: ${path}`;
}

const damaged = (path: string): string =>
  `an SQLite file that is whole: ${path} is damaged or something else; nothing was changed: put a copy in its place, or move it away to begin anew`;

const EXPECTED: Readonly<Record<number, (path: string) => string>> = {
  [BUSY]: (path) =>
    `a file that no other process has open: ${path} is in use; end the other node, or give this one a path of its own`,
  [READONLY]: (path) => `a file that this user may write: ${path} is read-only`,
  [CORRUPT]: damaged,
  [NOTADB]: damaged,
  [FULL]: (path) => `space on the disk of ${path}: it is full`,
};

function cannotOpen(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return `a path in a folder that exists: there is no ${folder}`;
  if (!statSync(folder).isDirectory()) return `a path in a folder: ${folder} is none`;
  if (existsSync(path) && statSync(path).isDirectory()) return `a file's path: ${path} is a folder`;
  return `a file that this user may read and write, in a folder where new files may be made: ${path}`;
}
