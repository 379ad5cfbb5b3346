// The fake clock, and the system's clock where it can be told apart without waiting.
import { expect, test, vi } from "vitest";
import { nextTurn, systemClock } from "../../src/platform/clock.ts";
import { FAKE_EPOCH, FakeClock } from "../../src/testing/fake-clock.ts";

test("each callback sees its own instant, and time ends where it was told to", () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  clock.after(20, () => seen.push(clock.now()));
  clock.after(10, () => {
    seen.push(clock.now());
    clock.after(5, () => seen.push(clock.now()));
  });
  clock.advance(100);
  expect(seen).toEqual([10, 15, 20].map((ms) => FAKE_EPOCH + ms));
  expect(clock.now()).toBe(FAKE_EPOCH + 100);
  expect(clock.pending).toBe(0);
});

test("a time that has passed is now, 2^32-1 seconds are a wait like any other", () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  clock.at(0, () => seen.push("past"));
  clock.after((2 ** 32 - 1) * 1000, () => seen.push("136 years"));
  clock.advance(0);
  expect(seen).toEqual(["past"]);
  clock.advance((2 ** 32 - 1) * 1000);
  expect(seen).toEqual(["past", "136 years"]);
});

test("advanceAsync lets promises settle between callbacks", async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  clock.after(1, () => {
    Promise.resolve().then(() => clock.after(1, () => seen.push("chained")), undefined);
  });
  await clock.advanceAsync(2);
  expect(seen).toEqual(["chained"]);
});

test("the system's clock fires in order and does not fire early what overflows Node's timers", async () => {
  const clock = systemClock();
  const seen: string[] = [];
  const far = clock.after(2 ** 31, () => seen.push("far"));
  const start = clock.now();
  clock.at(start + 2, () => seen.push("two"));
  clock.at(start + 1, () => seen.push("one"));
  await vi.waitFor(() => expect(seen).toContain("two"), { interval: 1 });
  expect(seen).toEqual(["one", "two"]);
  far.cancel();
});

test("the system's clock runs what is due now in the next turn, in order, and keeps what is due later", async () => {
  const clock = systemClock();
  const seen: string[] = [];
  const now = clock.now();
  clock.at(now + 2, () => seen.push("later"));
  const cancelled = clock.after(0, () => seen.push("cancelled"));
  clock.at(now, () => {
    seen.push("now");
    clock.after(0, () => seen.push("once more"));
  });
  clock.at(now - 1, () => seen.push("past"));
  cancelled.cancel();
  expect(seen).toEqual([]);
  await new Promise<void>((resolve) => nextTurn(resolve));
  expect(seen.slice(0, 2)).toEqual(["past", "now"]);
  await vi.waitFor(() => expect(seen).toHaveLength(4), { interval: 1 });
  expect(new Set(seen.slice(2))).toEqual(new Set(["once more", "later"]));
});

test("a time that has leapt: what is due by now comes behind what was just added", async () => {
  let now = 0;
  const clock = systemClock(() => now);
  const later = new Promise<void>((resolve) => clock.at(1_000_000_000, resolve));
  clock.after(0, () => {
    now = 1_000_000_000;
  });
  await later;
});
