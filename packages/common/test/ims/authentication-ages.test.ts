// Devices whose authentication grows too old: asked when it does, at the pace, once each.
import { beforeEach, describe, expect, test } from "vitest";
import { AuthenticationAges } from "../../src/ims/authentication-ages.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

let clock: FakeClock;
let due: Map<string, number>;
let asked: [string, number][];
let ages: AuthenticationAges;
let pace: number;

beforeEach(() => {
  clock = new FakeClock();
  due = new Map();
  asked = [];
  pace = 10;
  const start = clock.now();
  ages = new AuthenticationAges({
    clock,
    dueOf: (token) => due.get(token),
    count: () => due.size,
    pacePerSecond: () => pace,
    ask: (token) => {
      asked.push([token, clock.now() - start]);
      due.delete(token); // its re-authentication runs
    },
  });
});

function watch(token: string, inMs: number): void {
  due.set(token, clock.now() + inMs);
  ages.watch(token);
}

test("each at its time, and one timer for all", () => {
  for (let n = 1; n <= 50; n++) watch(`b${n}`, n * 1_000);
  expect(clock.pending).toBe(1);
  clock.advance(50_000);
  expect(asked.map(([, at]) => at)).toEqual(Array.from({ length: 50 }, (_, n) => (n + 1) * 1_000));
});

test("a time that has moved away is looked at when the former comes, and nothing is asked", () => {
  watch("a", 1_000);
  due.set("a", clock.now() + 5_000);
  clock.advance(4_999);
  expect(asked).toEqual([]);
  clock.advance(1);
  expect(asked).toEqual([["a", 5_000]]);
});

describe("many that are due at once", () => {
  beforeEach(() => {
    for (let n = 0; n < 100; n++) watch(`b${n}`, n % 2 === 0 ? -n : 5);
  });

  test("at the pace, never in a burst, in the order in which they came", () => {
    clock.advance(1_000);
    expect(asked.length).toBeLessThanOrEqual(11);
    expect(ages.waiting).toBe(100 - asked.length);
    clock.advance(10_000);
    const [even, odd] = [0, 1].map((odd) => [...Array(50).keys()].map((n) => `b${2 * n + odd}`));
    expect(asked.map(([token]) => token)).toEqual([...(even ?? []), ...(odd ?? [])]);
    expect(asked).toHaveLength(100);
    for (const [, at] of asked)
      expect(
        asked.filter(([, other]) => other >= at && other < at + 1_000).length,
      ).toBeLessThanOrEqual(11);
    expect(ages.waiting).toBe(0);
  });

  test("who has authenticated meanwhile is not asked, but when it is old again", () => {
    clock.advance(100);
    const early = asked.length;
    for (const token of due.keys()) due.set(token, clock.now() + 3_600_000);
    clock.advance(60_000);
    expect(asked).toHaveLength(early);
    clock.advance(3_600_000);
    expect(asked).toHaveLength(100);
  });

  test("who has gone meanwhile costs nothing of the pace", () => {
    clock.advance(1);
    for (const token of [...due.keys()].slice(0, 80)) due.delete(token);
    clock.advance(2_000);
    expect(asked.length).toBeGreaterThanOrEqual(18);
  });

  test("another pace counts at once", () => {
    pace = 1_000;
    clock.advance(500);
    expect(asked).toHaveLength(100);
  });

  test("cleared: nobody is asked, and no timer runs", () => {
    const before = asked.length;
    ages.clear();
    clock.advance(3_600_000);
    expect([asked.length, ages.waiting, clock.pending]).toEqual([before, 0, 0]);
  });
});

test("without anybody left no timer runs", () => {
  watch("a", 1_000);
  due.clear();
  ages.gone();
  expect(clock.pending).toBe(0);
});

test("who is never due is not watched", () => {
  ages.watch("nobody");
  expect(clock.pending).toBe(0);
});
