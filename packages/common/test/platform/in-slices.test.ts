// A walk in slices: all items once, with pauses where it takes long, and ended by whoever looks at them.
import { beforeEach, expect, test } from "vitest";
import { inSlices } from "../../src/platform/in-slices.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

let clock: FakeClock;
let seen: number[];
const ITEMS = Array.from({ length: 1_000 }, (_, n) => n);

beforeEach(() => {
  clock = new FakeClock();
  seen = [];
});

test("what takes no time is gone through at once", async () => {
  await inSlices(clock, ITEMS, (item) => seen.push(item) > 0);
  expect(seen).toEqual(ITEMS);
});

test("after some milliseconds a pause, in which others have their turn", async () => {
  let pauses = 0;
  const walk = inSlices(clock, ITEMS, (item) => {
    clock.advance(0.1);
    return seen.push(item) > 0;
  });
  while (seen.length < ITEMS.length) {
    await clock.advanceAsync(1);
    pauses += 1;
  }
  await walk;
  expect(seen).toEqual(ITEMS);
  expect(pauses).toBeGreaterThanOrEqual(1_000 / 64 - 1);
});

test("ended by the visitor", async () => {
  await inSlices(clock, ITEMS, (item) => seen.push(item) < 5);
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});
