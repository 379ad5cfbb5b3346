// The pace: never above it in any stretch of time, whatever the timers do; near it where they are good.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pacer } from "../../src/platform/pacer.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";

const T0 = 1_700_000_000_000;

/** Times of the askings when each wake-up comes so much late, and pauses are as told. */
function run(
  pacer: Pacer,
  count: number,
  lateness: (turn: number) => number,
  pauses: ReadonlyMap<number, number> = new Map(),
): number[] {
  const times: number[] = [];
  let now = T0;
  for (let turn = 0; times.length < count; turn++) {
    const pause = pauses.get(turn);
    if (pause !== undefined) {
      now += pause;
      pacer.rested(now);
    }
    now = Math.max(now, pacer.nextAt) + lateness(turn);
    while (times.length < count && pacer.take(now)) times.push(now);
  }
  return times;
}

/** The most that any stretch of `ms` holds; rounding of the clock's fractions aside. */
function mostWithin(times: readonly number[], ms: number): number {
  let [most, from] = [0, 0];
  for (const [at, time] of times.entries()) {
    while ((times[from] ?? 0) + ms - 0.01 <= time) from++;
    most = Math.max(most, at - from + 1);
  }
  return most;
}

test("nobody before it begins", () => {
  const pacer = new Pacer({ perSecond: 5, jitter: 0, random: seededRandom(), from: T0 + 200 });
  expect(pacer.take(T0 + 199)).toBe(false);
  expect([pacer.take(T0 + 200), pacer.take(T0 + 200)]).toEqual([true, false]);
  expect(pacer.nextAt).toBe(T0 + 400);
});

describe.each([0.2, 1, 1.5, 2.5, 10, 333, 1000])("%d a second", (perSecond) => {
  const inWindow = Math.max(1, Math.floor(perSecond));
  const windowMs = (1000 * inWindow) / perSecond;
  const count = Math.ceil(perSecond * 5) + 5;

  test("never more than that, late or early, with jitter and pauses", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3_000, noNaN: true })), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.constantFrom(0, 0.3, 1),
        fc.array(fc.tuple(fc.nat(50), fc.nat(5_000)), { maxLength: 5 }),
        (late, jitter, pauses) => {
          const pacer = new Pacer({ perSecond, jitter, random: seededRandom(), from: T0 });
          const times = run(pacer, count, (turn) => late[turn % late.length] ?? 0, new Map(pauses));
          expect(mostWithin(times, windowMs)).toBeLessThanOrEqual(inWindow);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("is reached with good timers and without jitter, and with those that are 2 ms late", () => {
    for (const late of [0, 2]) {
      const pacer = new Pacer({ perSecond, jitter: 0, random: seededRandom(), from: T0 });
      const times = run(pacer, count, () => late);
      const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
      expect((count - 1) / seconds).toBeGreaterThan(perSecond * 0.99);
    }
  });

  test("jitter makes gaps longer, by its share at most", () => {
    const pacer = new Pacer({ perSecond, jitter: 0.5, random: seededRandom(), from: T0 });
    const times = run(pacer, count, () => 0);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000 / perSecond - 0.01);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1500 / perSecond + 0.01);
    expect(new Set(gaps.map((gap) => Math.round(gap * perSecond))).size).toBeGreaterThan(2);
  });
});

test("the pace is that of the asking, however long the process is held up before it", () => {
  const pacer = new Pacer({ perSecond: 2, jitter: 0, random: seededRandom(), from: T0 });
  expect(pacer.take(T0)).toBe(true);
  pacer.done(T0 + 300);
  expect(pacer.take(T0 + 500)).toBe(true);
  expect(pacer.take(T0 + 1_299)).toBe(false);
  expect(pacer.take(T0 + 1_300)).toBe(true);
});

test("after a stall there is no burst: a tenth of a second is made up for", () => {
  const pacer = new Pacer({ perSecond: 100, jitter: 0, random: seededRandom(), from: T0 });
  let burst = 0;
  while (pacer.take(T0 + 60_000)) burst++;
  expect(burst).toBeLessThanOrEqual(11);
});

test("after a pause there is none at all", () => {
  const pacer = new Pacer({ perSecond: 100, jitter: 0, random: seededRandom(), from: T0 });
  pacer.rested(T0 + 60_000);
  expect([pacer.take(T0 + 60_000), pacer.take(T0 + 60_000)]).toEqual([true, false]);
});
