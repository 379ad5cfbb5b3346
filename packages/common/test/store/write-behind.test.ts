// Changes that must become durable: tried each second, the latest value of a row, and who waits for them.
import { beforeEach, expect, test } from "vitest";
import { jsonRow, type TableFormats } from "../../src/store/rows.ts";
import { StoreLog } from "../../src/store/store-log.ts";
import { WriteBehind } from "../../src/store/write-behind.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { type MemoryLogger, memoryLogger } from "../../src/testing/memory-logger.ts";
import { TextRows } from "../../src/testing/text-rows.ts";

interface Rows {
  readonly marks: number;
}
const TABLES: TableFormats<Rows> = { marks: jsonRow() };

let clock: FakeClock;
let log: MemoryLogger;
let store: TextRows<Rows>;
let behind: WriteBehind<Rows>;

beforeEach(() => {
  clock = new FakeClock();
  log = memoryLogger();
  store = new TextRows(TABLES);
  behind = new WriteBehind({ store, clock, storeLog: new StoreLog(log, clock) });
});

const put = (id: string, value: number | undefined): void =>
  behind.put({ table: "marks", id, value });
const marks = async (): Promise<unknown> => Object.fromEntries((await store.load()).marks);

test("what is put is durable, and nobody waits", async () => {
  put("a", 1);
  const heard: unknown[] = [];
  behind.whenDurable((problem) => heard.push(problem));
  expect(heard).toEqual([undefined]);
  expect(await marks()).toEqual({ a: 1 });
});

test("while the store fails, who waits hears so; a second after it works, the latest values are there", async () => {
  put("a", 1);
  put("b", 1);
  store.isFailing = true;
  put("a", 2);
  put("b", undefined);
  put("a", 3);
  const heard: unknown[] = [];
  behind.whenDurable((problem) => heard.push(problem?.message));
  expect(heard).toEqual(["the store is made to fail"]);
  clock.advance(5000);
  expect(await marks()).toEqual({ a: 1, b: 1 });
  store.isFailing = false;
  clock.advance(1000);
  expect(await marks()).toEqual({ a: 3 });
  behind.whenDurable((problem) => heard.push(problem));
  expect(heard).toEqual(["the store is made to fail", undefined]);
});

test("an outage is two lines of the log, however long it is", () => {
  store.isFailing = true;
  put("a", 1);
  clock.advance(10_000);
  expect(log.named("store.failed")).toHaveLength(1);
  store.isFailing = false;
  clock.advance(1000);
  expect(log.named("store.resumed")).toMatchObject([{ failed: 11, seconds: 11 }]);
});

test("a value that is put while an older one fails is not overtaken by it", async () => {
  store.isFailing = true;
  put("a", 1);
  store.isFailing = false;
  put("a", 2);
  clock.advance(3000);
  expect(await marks()).toEqual({ a: 2 });
});

test("the first who waits after a failure has everything tried, and is served as soon as the store works", async () => {
  store.isFailing = true;
  put("a", 1);
  put("b", 1);
  const heard: unknown[] = [];
  behind.whenDurable((problem) => heard.push(problem?.message));
  store.isFailing = false;
  put("c", 1);
  behind.whenDurable((problem) => heard.push(problem));
  expect(heard).toEqual(["the store is made to fail", undefined]);
  expect(await marks()).toEqual({ a: 1, b: 1, c: 1 });
});

test("who waits however long it takes is served when the store works, with what was put until then", async () => {
  store.isFailing = true;
  put("a", 1);
  const heard: string[] = [];
  behind.onceDurable(() => heard.push("a"));
  clock.advance(5000);
  put("a", 2);
  behind.onceDurable(() => heard.push("a again"));
  clock.advance(5000);
  expect(heard).toEqual([]);
  store.isFailing = false;
  clock.advance(1000);
  expect(heard).toEqual(["a", "a again"]);
  expect(await marks()).toEqual({ a: 2 });
  behind.onceDurable(() => heard.push("at once"));
  expect(heard).toHaveLength(3);
});
