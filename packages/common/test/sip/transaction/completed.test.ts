// Completed transactions as octets: found by their key until their timer has fired, whatever comes and goes meanwhile.
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CompletedTransactions } from "../../../src/sip/transaction/completed.ts";
import type { Flow } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

const LINGER_MS = 32_000;
const local = { host: "192.0.2.1", port: 5060 };
const FLOW: Flow = { id: "f", transport: "udp", local, remote: local };

let clock: FakeClock;
let table: CompletedTransactions;

beforeEach(() => {
  clock = new FakeClock();
  table = new CompletedTransactions(clock, LINGER_MS, 7);
});

function add(key: string, octets: Buffer | string | undefined = `answer to ${key}`): void {
  table.add({ key, octets, flow: FLOW, requestOctets: 100, startedAt: clock.now() });
}

function found(key: string): string | undefined {
  return table.find(key)?.octets.toString("latin1");
}

test("it is there until its time is over, and not a moment longer", () => {
  add("a");
  clock.advance(LINGER_MS - 1);
  expect([found("a"), table.size, table.requestOctets]).toEqual(["answer to a", 1, 100]);
  clock.advance(1);
  expect([found("a"), table.size, table.requestOctets]).toEqual([undefined, 0, 0]);
});

test("what has ended is not found, though its memory is not given back yet", () => {
  add("a");
  clock.advance(10);
  add("b");
  clock.advance(LINGER_MS - 1);
  expect([found("a"), found("b"), table.has("b")]).toEqual([undefined, "answer to b", true]);
  clock.advance(1);
  expect([found("b"), table.has("b"), table.requestOctets]).toEqual([undefined, false, 100]);
});

test("nobody asks: its memory is given back all the same, and no timer is left", () => {
  add("a");
  clock.advance(LINGER_MS + 1_000);
  expect([table.requestOctets, clock.pending]).toEqual([0, 0]);
});

test("a transaction of which nothing may be repeated is known and has no octets", () => {
  add("silent", "");
  table.add({ key: "none", octets: undefined, flow: FLOW, requestOctets: 1, startedAt: 0 });
  expect([found("silent"), found("none"), found("other")]).toEqual(["", "", undefined]);
});

test("thousands of them, large ones among them, each with its own octets; what has ended makes room", () => {
  const octetsOf = (n: number): Buffer =>
    Buffer.alloc(n % 50 === 0 ? 20_000 : 300 + (n % 700), n % 251);
  const keyOf = (n: number): string => `z9hG4bK${n} host:5060 REGISTER`;
  for (let n = 0; n < 6_000; n++) {
    add(keyOf(n), octetsOf(n));
    if (n % 10 === 0) clock.advance(160);
    const old = n - 1_500;
    if (old >= 0) expect(table.find(keyOf(old))?.octets.equals(octetsOf(old))).toBe(true);
  }
  // Ten every 160 ms: those of the last 32 s, nine in the last instant.
  expect(table.size).toBe(1_999);
  expect(table.list(0, 5_000)).toHaveLength(1_999);
  expect(table.list(1_990, 5_000).map(({ key }) => key)).toEqual(
    [5_991, 5_992, 5_993, 5_994, 5_995, 5_996, 5_997, 5_998, 5_999].map(keyOf),
  );
});

test("all gone, then more than a block of new ones: none lies where another does", () => {
  for (let n = 0; n < 10; n++) add(`old ${n}`, Buffer.alloc(1_000, n));
  clock.advance(LINGER_MS);
  expect(table.size).toBe(0);
  for (let n = 0; n < 200; n++) add(`new ${n}`, Buffer.alloc(1_000, n));
  for (let n = 0; n < 200; n++)
    expect(table.find(`new ${n}`)?.octets.equals(Buffer.alloc(1_000, n))).toBe(true);
});

test("listed oldest first, with their times", () => {
  const start = clock.now();
  add("a");
  clock.advance(10);
  add("b", Buffer.from("octets"));
  const [a, b] = table.list(0, 10);
  expect(a).toMatchObject({ key: "a", startedAt: start, endsAt: start + LINGER_MS });
  expect(b).toMatchObject({ key: "b", startedAt: start + 10, flow: FLOW });
  expect(b?.octets.toString()).toBe("octets");
});

test("cleared, it knows nothing and serves on", () => {
  for (let n = 0; n < 1_000; n++) add(`key ${n}`);
  table.clear();
  expect([table.size, table.requestOctets, found("key 1"), clock.pending]).toEqual([
    0,
    0,
    undefined,
    0,
  ]);
  add("again");
  expect(found("again")).toBe("answer to again");
});

/** Numbers go on for days: links to them are 29 bits long and begin anew. */
const START = fc.constantFrom(
  0,
  1,
  127,
  2 ** 29 - 20,
  2 ** 30 - 20,
  2 ** 31 - 20,
  2 ** 32 - 20,
  2 ** 40 - 20,
);

describe("against a plain list", () => {
  test("any order of adding, asking and waiting", () => {
    const action = fc.oneof(
      fc.record({ add: fc.nat(30), octets: fc.nat(12_000) }),
      fc.record({ wait: fc.nat(20_000) }),
    );
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.integer(),
        START,
        (actions, seed, start) => {
          const time = new FakeClock();
          const kept = new CompletedTransactions(time, LINGER_MS, seed, start);
          const model: { key: string; octets: Buffer; endsAt: number }[] = [];
          for (const each of actions) {
            if ("wait" in each) time.advance(each.wait);
            else {
              const key = `k${each.add}-${model.length}`;
              const octets = Buffer.alloc(each.octets, model.length % 256);
              kept.add({ key, octets, flow: FLOW, requestOctets: 1, startedAt: 0 });
              model.push({ key, octets, endsAt: time.now() + LINGER_MS });
            }
            const live = model.filter(({ endsAt }) => endsAt > time.now());
            expect(kept.size).toBe(live.length);
            for (const { key, octets, endsAt } of model)
              expect(kept.find(key)?.octets).toEqual(endsAt > time.now() ? octets : undefined);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
