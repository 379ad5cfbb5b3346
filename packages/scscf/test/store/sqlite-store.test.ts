// The SQLite store under the contract, its thread and its files: what it refuses and leaves as it was.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nextTurn, systemClock } from "@ims-lab/common/platform/clock";
import { openSqliteRows } from "@ims-lab/common/store/sqlite-rows";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Change } from "../../src/rows.ts";
import { TABLES } from "../../src/rows.ts";
import type { Store } from "../../src/store/store.ts";
import { storeContract } from "../contract/store.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "imslab-sqlite-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));
/** Its disk is full while a file of this name and `.full` is there. */
const THREAD = new URL("../../../common/test/store/failing-thread.ts", import.meta.url);

let drawn = 0;
function newPath(): string {
  drawn += 1;
  return join(FOLDER, `${drawn}.db`);
}

interface StoreInFile extends Store {
  readonly path: string;
}

async function openAt(path: string, more: { readonly node?: string } = {}): Promise<StoreInFile> {
  const store = await openSqliteRows({
    tables: TABLES,
    path,
    setting: `sqlite:${path}`,
    node: "scscf",
    synchronous: "normal",
    clock: systemClock(),
    nextTurn,
    thread: THREAD,
    ...more,
  });
  return {
    path,
    commit: (changes, done) => store.commit(changes, done),
    load: () => store.load(),
    close: () => store.close(),
  };
}

storeContract<StoreInFile>({
  name: "sqlite",
  open: () => openAt(newPath()),
  reopen: async (store) => {
    await store.close();
    return openAt(store.path);
  },
  fail: ({ path }, isFailing) => {
    if (isFailing) writeFileSync(`${path}.full`, "");
    else rmSync(`${path}.full`);
  },
});

const MARK: Change = { table: "sqnMarks", id: "bob@lab", value: 32 };

function commit(store: Store, ...changes: readonly Change[]): Promise<Error | undefined> {
  return new Promise((resolve) => store.commit(changes, resolve));
}

describe("an SQLite store's file", () => {
  let opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened) await store.close();
    opened = [];
  });
  const open = async (path: string, more?: { readonly node?: string }): Promise<StoreInFile> => {
    const store = await openAt(path, more);
    opened.push(store);
    return store;
  };
  /** Of a path that is refused. */
  const whyNot = async (path: string, more?: { readonly node?: string }): Promise<string> => {
    try {
      await open(path, more);
    } catch (problem) {
      expect(problem).toMatchObject({ key: "store", value: `sqlite:${path}` });
      return (problem as { allowed: string }).allowed;
    }
    throw new Error("it was opened");
  };

  test("is one process's: a second node is told so, and the first goes on", async () => {
    const path = newPath();
    const store = await open(path);
    expect(await whyNot(path)).toMatch(/^a file that no other process has open: .* in use/);
    expect(await commit(store, MARK)).toBeUndefined();
  });

  test("serves the next node as soon as the one before has closed it", async () => {
    const path = newPath();
    const first = await openAt(path);
    const closed = first.close();
    await open(path);
    await closed;
  });

  test("is read before it is written, whoever asks for the one first", async () => {
    const path = newPath();
    const first = await openAt(path);
    await commit(first, MARK, { ...MARK, id: "carol@lab" });
    await first.close();
    const store = await open(path);
    expect(await commit(store, { ...MARK, value: 64 })).toBeUndefined();
    expect(Object.fromEntries((await store.load()).sqnMarks)).toEqual({
      "bob@lab": 64,
      "carol@lab": 32,
    });
  });

  test("that is damaged is refused, and stays as it is", async () => {
    const path = newPath();
    const junk = "this is no database at all, whatever its name says".repeat(100);
    writeFileSync(path, junk);
    expect(await whyNot(path)).toMatch(/^an SQLite file that is whole: .* damaged .* nothing was/);
    expect(readFileSync(path, "utf8")).toBe(junk);
  });

  test("whose pages are damaged is refused when they are read", async () => {
    const path = newPath();
    const store = await openAt(path);
    const many = Array.from(
      { length: 2000 },
      (_, at): Change => ({ ...MARK, id: `user${at}` }) as Change,
    );
    await commit(store, ...many);
    await store.close();
    const whole = readFileSync(path);
    writeFileSync(
      path,
      Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192, 0x5a)]),
    );
    const damaged = await openAt(path).then(
      (one) =>
        one
          .load()
          .finally(() => one.close())
          .then(() => undefined, String),
      String,
    );
    expect(damaged).toMatch(/damaged/);
  });

  test("with a row that cannot be read is refused with its name", async () => {
    const path = newPath();
    await (await openAt(path)).close();
    const database = new DatabaseSync(path);
    database.exec(`INSERT INTO rows VALUES (1, 'sqnMarks', 'bob@lab', '{"half')`);
    database.close();
    const store = await open(path);
    const { sqnMarks } = await store.load();
    const named = /has another, sqnMarks bob@lab .*; nothing was changed/;
    expect(() => [...sqnMarks]).toThrow(named);
    expect(() => sqnMarks.get("bob@lab")).toThrow(named);
  });

  test("of another program is refused, and stays as it is", async () => {
    const path = newPath();
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE addresses (name TEXT)");
    database.close();
    const before = readFileSync(path);
    expect(await whyNot(path)).toMatch(/^a file of ims-lab's: .* another program's/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("of the other node is refused", async () => {
    const path = newPath();
    await (await openAt(path, { node: "pcscf" })).close();
    expect(await whyNot(path)).toMatch(/^a file of its own: .* holds the rows of pcscf/);
  });

  test("of a newer version is refused, and stays as it is", async () => {
    const path = newPath();
    await (await openAt(path)).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 7");
    database.close();
    const before = readFileSync(path);
    expect(await whyNot(path)).toMatch(/^a file that this version reads: .* newer one \(schema 7,/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("in a folder that is not there is refused, and the folder not made", async () => {
    const path = join(FOLDER, "nowhere", "x.db");
    expect(await whyNot(path)).toMatch(/^a path in a folder that exists: there is no /);
    expect(existsSync(join(FOLDER, "nowhere"))).toBe(false);
  });

  test("in a folder .ims-lab has it made", async () => {
    const path = join(FOLDER, ".ims-lab", "x.db");
    await open(path);
    // It holds secrets of the node.
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
  });

  test.each([":memory:", "file:x.db?mode=memory"])("called %s is a file", async (path) => {
    const before = process.cwd();
    process.chdir(FOLDER);
    try {
      await (await openAt(path)).close();
      expect(statSync(join(FOLDER, path)).size).toBeGreaterThan(0);
    } finally {
      process.chdir(before);
    }
  });

  test("that is a device or a socket is refused at once", async () => {
    const socket = join(FOLDER, "socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    for (const path of [socket, "/dev/null"])
      expect(await whyNot(path)).toMatch(/^a file's path: .* is a device, a pipe or a socket/);
    await new Promise((resolve) => server.close(resolve));
  });

  test("that is a folder, or in what is none, is refused", async () => {
    expect(await whyNot(FOLDER)).toMatch(/^a file's path: .* is a folder/);
    const path = newPath();
    writeFileSync(path, "");
    expect(await whyNot(join(path, "x.db"))).toMatch(/^a path in a folder: .* is none/);
  });
});
