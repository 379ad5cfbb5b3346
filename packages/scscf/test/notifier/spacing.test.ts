// RFC 3680 §4.10: not more often than every five seconds per subscriber, what comes meanwhile in one.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { expect, test } from "vitest";
import { Spacing } from "../../src/notifier/spacing.ts";

function spaced(): { clock: FakeClock; spacing: Spacing<string>; told: string[] } {
  const clock = new FakeClock();
  const told: string[] = [];
  const spacing = new Spacing<string>({
    clock,
    intervalMs: 5000,
    merge: (earlier, later) => `${earlier}+${later}`,
    tell: (id, what) => told.push(`${id}: ${what}`),
  });
  return { clock, spacing, told };
}

test("the first goes out at once, what follows within the interval in one behind it", () => {
  const { clock, spacing, told } = spaced();
  for (const what of ["a", "b", "c"]) spacing.say("x", what);
  expect(told).toEqual(["x: a"]);
  clock.advance(5000);
  expect(told).toEqual(["x: a", "x: b+c"]);
  clock.advance(5000);
  expect(clock.pending).toBe(0);
});

test("when it is closed no timer is left, and nothing more is said", () => {
  const { clock, spacing, told } = spaced();
  for (const id of ["x", "y"]) for (const what of ["a", "b"]) spacing.say(id, what);
  spacing.close();
  expect(clock.pending).toBe(0);
  clock.advance(20_000);
  expect(told).toEqual(["x: a", "y: a"]);
});
