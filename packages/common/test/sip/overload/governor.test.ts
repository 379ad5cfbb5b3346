// RFC 6357 §4: new work goes first, work in progress last, and everything comes back.
import { beforeEach, expect, test } from "vitest";
import { Governor } from "../../../src/sip/overload/governor.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

let clock: FakeClock;
let busy: number;
let governor: Governor;
beforeEach(() => {
  clock = new FakeClock();
  busy = 0;
  const source = { busyShare: (): number => busy };
  governor = new Governor({ clock, source, maxBusyShare: 0.9, maxLoopLagMs: 200 });
});

test("takes everything while it is not busier than it may be", () => {
  busy = 0.9;
  clock.advance(10_000);
  expect(governor.freshShare).toBe(1);
});

test("half a second of too much is no overload", () => {
  busy = 1;
  clock.advance(450);
  expect(governor.freshShare).toBe(1);
  busy = 0.5;
  clock.advance(100);
  busy = 1;
  clock.advance(350);
  expect(governor.freshShare).toBe(1);
  clock.advance(100);
  expect(governor.freshShare).toBeLessThan(1);
});

test("always busy: new work down to a trickle within seconds, then work in progress", () => {
  busy = 1;
  clock.advance(2_000);
  expect(governor.freshShare).toBeLessThan(0.3);
  expect(governor.ongoingShare).toBe(1);
  clock.advance(10_000);
  expect(governor.freshShare).toBeGreaterThan(0);
  expect(governor.freshShare).toBeLessThanOrEqual(0.01);
  expect(governor.ongoingShare).toBeLessThan(0.5);
});

test("when it is over, work in progress is taken first, then new work", () => {
  busy = 1;
  clock.advance(5_000);
  busy = 0.5;
  while (governor.ongoingShare < 1) {
    expect(governor.freshShare).toBeLessThanOrEqual(0.01);
    clock.advance(100);
  }
  clock.advance(10_000);
  expect(governor.freshShare).toBe(1);
});

test("a node behind this one that has too much counts once per word", () => {
  governor.press();
  clock.advance(100);
  expect(governor.freshShare).toBeCloseTo(0.9);
  clock.advance(1_000);
  expect(governor.freshShare).toBe(1);
});

test("closed, it has no timer left", () => {
  governor.close();
  busy = 1;
  clock.advance(1_000);
  expect(governor.freshShare).toBe(1);
});
