// Work at a pace: never faster, evenly, and nothing runs while there is none.
import { beforeEach, expect, test } from "vitest";
import { PacedWork } from "../../src/platform/paced-work.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

let clock: FakeClock;
let done: number[];
let left: number;
let skipped: number;

beforeEach(() => {
  clock = new FakeClock();
  done = [];
  skipped = 0;
});

function worker(perSecond: number, pieces: number): PacedWork {
  left = pieces;
  const start = clock.now();
  return new PacedWork({
    clock,
    perSecond: () => perSecond,
    next: () => {
      if (left === 0) return "over";
      left -= 1;
      if (skipped > 0) {
        skipped -= 1;
        return "skipped";
      }
      done.push(clock.now() - start);
      return "done";
    },
  });
}

test.each([
  [0.5, 5],
  [1, 10],
  [7, 40],
  [50, 500],
  [1000, 1500],
])("%d a second: in no second more, and not much less", (perSecond, pieces) => {
  worker(perSecond, pieces).wake();
  clock.advance((pieces / perSecond) * 1000 + 1000);
  expect(done).toHaveLength(pieces);
  for (const at of done) {
    const within = done.filter((other) => other >= at && other < at + 1000).length;
    expect(within).toBeLessThanOrEqual(Math.max(1, perSecond * 1.05 + 1));
  }
  const seconds = (done.at(-1) ?? 0) / 1000;
  expect(seconds).toBeGreaterThan((pieces / perSecond) * 0.85 - 1);
});

test("a pause saves nothing up", () => {
  const work = worker(10, 2);
  work.wake();
  clock.advance(60_000);
  left = 100;
  work.wake();
  clock.advance(1_000);
  expect(done.length).toBeLessThanOrEqual(2 + 11);
  expect(done.length).toBeGreaterThanOrEqual(2 + 9);
});

test("to be woken again and again makes it no faster", () => {
  const work = worker(10, 100);
  for (let at = 0; at < 100; at++) {
    work.wake();
    clock.advance(10);
  }
  expect(done.length).toBeLessThanOrEqual(11);
});

test("what is skipped costs nothing of the pace, and never holds the turn up for long", () => {
  skipped = 2_500;
  const work = worker(1, 2_501);
  work.wake();
  clock.advance(0);
  expect([left, done]).toEqual([1_501, []]);
  clock.advance(2);
  expect(done).toHaveLength(1);
});

test("closed, and when all is done, nothing runs", () => {
  const work = worker(1, 2);
  work.wake();
  clock.advance(5_000);
  expect([done.length, clock.pending]).toEqual([2, 0]);
  left = 5;
  work.wake();
  work.close();
  clock.advance(5_000);
  expect([done.length, clock.pending]).toEqual([2, 0]);
});
