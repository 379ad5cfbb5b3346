// Queues of equal delays against a sorted list: whatever timers start and cancel when they fire.
import fc from "fast-check";
import { expect, test } from "vitest";
import { FixedDelays } from "../../../src/sip/transaction/fixed-delays.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { Side, SortedList, type Start, steps } from "../../platform/timer-model.ts";

test("every timer fires when it is due, whatever is started and cancelled where", () => {
  fc.assert(
    fc.property(steps, (plan) => {
      const list = new SortedList();
      const expected = new Side(list.start, () => list.now);
      const clock = new FakeClock();
      const began = clock.now();
      const delays = new FixedDelays(clock);
      const start: Start = (ms, fire) => delays.after(ms, { onTimer: fire }, "E");
      const seen = new Side(start, () => clock.now() - began);
      for (const [at, { actions, advance }] of plan.entries()) {
        for (const side of [expected, seen]) side.run(actions, String(at));
        list.advance(advance);
        clock.advance(advance);
      }
      fc.pre(!list.hasTie);
      expect(seen.fired).toEqual(expected.fired);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test("RFC 3261 §17.1.2.2: a restart within a timer leaves those who wait where they were", () => {
  const clock = new FakeClock();
  const began = clock.now();
  const delays = new FixedDelays(clock);
  const times: number[] = [];
  const restarting = {
    onTimer: (): void => {
      times.push(clock.now() - began);
      if (times.length === 1) delays.after(4000, restarting, "E");
    },
  };
  delays.after(4000, restarting, "E");
  clock.advance(1500);
  delays.after(4000, { onTimer: () => times.push(clock.now() - began) }, "E");
  clock.advance(20_000);
  expect(times).toEqual([4000, 5500, 8000]);
});

test("after `clear`, cancelling what waited brings nothing back", () => {
  const clock = new FakeClock();
  const delays = new FixedDelays(clock);
  const fired: string[] = [];
  const [first] = ["a", "b"].map((name) =>
    delays.after(500, { onTimer: () => fired.push(name) }, "E"),
  );
  delays.clear();
  delays.after(500, { onTimer: () => fired.push("c") }, "E");
  first?.cancel();
  clock.advance(1000);
  expect(fired).toEqual(["c"]);
});
