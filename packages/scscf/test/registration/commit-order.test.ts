// Commits of one registration set: in the order in which they were asked for, whatever each is waited for by.
import { StoreLog } from "@ims-lab/common/store/store-log";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import type { Binding } from "../../src/registration/binding.ts";
import { Bindings } from "../../src/registration/bindings.ts";
import { RegistrationEvents } from "../../src/registration/events.ts";
import { Registrations } from "../../src/registration/registrations.ts";
import type { Change } from "../../src/rows.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";

const SET = "sip:bob@lab";
const BINDING: Binding = {
  id: "c1",
  token: "t1",
  impi: "bob@lab",
  set: SET,
  impu: SET,
  address: { contact: "sip:bob@192.0.2.1", params: "", path: ["<sip:t@p;lr>"] },
  callId: "call-1",
  cseq: 1,
  registeredAt: 0,
  authenticatedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  event: "registered",
  mode: "optional",
  duty: { state: "none" },
};

function started(): { registrations: Registrations; store: TryingStore; marks(): unknown[] } {
  const clock = new FakeClock();
  const store = tryingStore();
  store.holds = true;
  const events = new RegistrationEvents();
  events.deliverTo({ nobody: { on: () => undefined } });
  const registrations = new Registrations({
    clock,
    store,
    bindings: new Bindings(),
    events,
    context: {
      subscriptionDeadlineMs: 32_000,
      reauthentication: { deadlineMs: 60_000, awaitMs: 240_000, onRefused: "wait" },
    },
    onRemoved: () => undefined,
    storeLog: new StoreLog(memoryLogger(), clock),
  });
  registrations.restore(BINDING);
  const marks = (): unknown[] =>
    store.asked.flatMap((changes) =>
      changes.flatMap((change) => (change.table === "sqnMarks" ? change.value : [])),
    );
  return { registrations, store, marks };
}

const mark = (value: number): readonly Change[] => [{ table: "sqnMarks", id: "x", value }];
const commitOf = (value: number): { set: string; changes: []; rows: readonly Change[] } => ({
  set: SET,
  changes: [],
  rows: mark(value),
});

function letAllGo(store: TryingStore): void {
  while (store.waiting > 0) store.letGo();
}

test("what follows from one that is durable comes behind those that waited for it", () => {
  const { registrations, store, marks } = started();
  const done: number[] = [];
  registrations.commit(commitOf(1), () => {
    done.push(1);
    registrations.commit(commitOf(4), () => done.push(4));
  });
  registrations.commit(commitOf(2), () => done.push(2));
  registrations.commit(commitOf(3), () => done.push(3));
  letAllGo(store);
  expect(marks()).toEqual([1, 2, 3, 4]);
  expect(done).toEqual([1, 2, 3, 4]);
  expect(registrations.isQuiet).toBe(true);
});

test("an input that nobody waits for keeps its place, and takes none that came after it along", () => {
  const { registrations, store, marks } = started();
  const input = { kind: "subscribed", at: 1 } as const;
  registrations.commit(commitOf(1), () => undefined);
  registrations.input("t1", input, { rows: mark(2) });
  registrations.commit(commitOf(3), () => undefined);
  registrations.input("t1", input, { rows: mark(4) });
  letAllGo(store);
  expect(marks()).toEqual([1, 2, 3, 4]);
  expect(registrations.isQuiet).toBe(true);
});

test("one that fails is tried again before what comes later", () => {
  const { registrations, store, marks } = started();
  store.problem = new Error("disk full");
  registrations.input("t1", { kind: "subscribed", at: 1 }, { rows: mark(1) });
  store.letGo();
  store.problem = undefined;
  registrations.input("t1", { kind: "unsubscribed", at: 2 }, { rows: mark(2) });
  letAllGo(store);
  expect(marks()).toEqual([1, 1, 2]);
  registrations.close();
});

test("rows that are made late say what is true when their turn comes", () => {
  const { registrations, store, marks } = started();
  let value = 2;
  registrations.commit(commitOf(1), () => undefined);
  registrations.commit({ set: SET, changes: [], rows: () => mark(value) }, () => undefined);
  value = 3;
  letAllGo(store);
  expect(marks()).toEqual([1, 3]);
});

test("what is put in together is one commit, and not before all of it is there", () => {
  const { registrations, store } = started();
  const durable: number[] = [];
  registrations.together(() => {
    registrations.keep(SET, mark(1), () => durable.push(1));
    registrations.together(() => {
      registrations.input(
        "t1",
        { kind: "subscribed", at: 1 },
        { rows: mark(2), settled: () => durable.push(2) },
      );
    });
    expect(store.asked).toEqual([]);
    expect(registrations.isSettled(SET)).toBe(false);
  });
  expect(store.asked.map((changes) => changes.map(({ table }) => table))).toEqual([
    ["bindings", "sqnMarks", "sqnMarks"],
  ]);
  expect(durable).toEqual([]);
  letAllGo(store);
  expect(durable).toEqual([1, 2]);
  expect(registrations.isQuiet).toBe(true);
});

test("together behind a commit under way: all of it in its place, and nothing that came after it", () => {
  const { registrations, store, marks } = started();
  registrations.commit(commitOf(1), () => undefined);
  registrations.together(() => {
    registrations.keep(SET, mark(2), () => undefined);
    registrations.keep(SET, mark(3), () => undefined);
  });
  registrations.commit(commitOf(4), () => undefined);
  registrations.keep(SET, mark(5), () => undefined);
  letAllGo(store);
  expect(marks()).toEqual([1, 2, 3, 4, 5]);
  expect(store.asked).toHaveLength(4);
});

test("what throws between loses nothing of what was put in before it", () => {
  const { registrations, store, marks } = started();
  const failing = (): void =>
    registrations.together(() => {
      registrations.keep(SET, mark(1), () => undefined);
      throw new Error("broken");
    });
  expect(failing).toThrow("broken");
  registrations.keep(SET, mark(2), () => undefined);
  letAllGo(store);
  expect(marks()).toEqual([1, 2]);
});
