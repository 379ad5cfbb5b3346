// The timer queue against the obvious model: deadlines fire in order of time, then of arrival.
import fc from "fast-check";
import { expect, test } from "vitest";
import { TimerQueue } from "../../src/platform/timer-queue.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { Side, SortedList, steps } from "./timer-model.ts";

test("deadlines fire in order of time, then of arrival, and cancelled ones not at all", () => {
  const plan = fc.array(fc.record({ due: fc.integer({ min: 0, max: 50 }), cancel: fc.boolean() }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(plan, fc.integer({ min: 0, max: 50 }), (entries, now) => {
      const queue = new TimerQueue();
      const fired: number[] = [];
      const timers = entries.map(({ due }, index) => queue.add(due, () => fired.push(index)));
      for (const [index, { cancel }] of entries.entries()) if (cancel) timers[index]?.cancel();
      const kept = [...entries.entries()].filter(([, { cancel }]) => !cancel);
      expect(queue.size).toBe(kept.length);
      queue.runDue(now);
      const due = kept.filter(([, entry]) => entry.due <= now);
      due.sort(([a, x], [b, y]) => x.due - y.due || a - b);
      expect(fired).toEqual(due.map(([index]) => index));
      expect(queue.size).toBe(kept.length - due.length);
    }),
  );
});

test("a callback's own timers run in the same turn if they are due", () => {
  const queue = new TimerQueue();
  const fired: string[] = [];
  queue.add(1, () => {
    fired.push("first");
    queue.add(1, () => fired.push("second"));
    queue.add(3, () => fired.push("later"));
  });
  queue.runDue(2);
  expect(fired).toEqual(["first", "second"]);
  expect(queue.nextDue()).toBe(3);
});

test("whatever callbacks start and cancel, they fire as from a sorted list", () => {
  fc.assert(
    fc.property(steps, (plan) => {
      const list = new SortedList();
      const expected = new Side(list.start, () => list.now);
      const clock = new FakeClock();
      const began = clock.now();
      const seen = new Side(
        (ms, fire) => clock.after(ms, fire),
        () => clock.now() - began,
      );
      for (const [at, { actions, advance }] of plan.entries()) {
        for (const side of [expected, seen]) side.run(actions, String(at));
        list.advance(advance);
        clock.advance(advance);
      }
      expect(seen.fired).toEqual(expected.fired);
      expect(clock.pending).toBe(0);
    }),
  );
});

test("cancelling twice, or after firing, counts once", () => {
  const queue = new TimerQueue();
  const timer = queue.add(1, () => undefined);
  queue.add(2, () => undefined);
  timer.cancel();
  timer.cancel();
  expect(queue.size).toBe(1);
  queue.runDue(2);
  timer.cancel();
  expect(queue.size).toBe(0);
  expect(queue.nextDue()).toBe(Number.POSITIVE_INFINITY);
});

test("a deadline that is no number is our own fault", () => {
  const queue = new TimerQueue();
  for (const due of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => queue.add(due, () => undefined)).toThrow(RangeError);
  }
});
