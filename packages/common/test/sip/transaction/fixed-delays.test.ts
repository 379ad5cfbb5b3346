// Queues of equal delays: order, cancelling, one clock timer for each length.
import { expect, test } from "vitest";
import { FixedDelays } from "../../../src/sip/transaction/fixed-delays.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

function setup() {
  const clock = new FakeClock();
  const fired: string[] = [];
  const owner = (name: string) => ({
    onTimer: (timer: string) => fired.push(`${name}${timer}@${clock.now() - start}`),
  });
  const start = clock.now();
  return { clock, fired, owner, delays: new FixedDelays(clock) };
}

test("fires each at its own time, whatever their lengths", () => {
  const { clock, fired, owner, delays } = setup();
  delays.after(1000, owner("x"), "F");
  clock.advance(400);
  delays.after(500, owner("y"), "E");
  delays.after(1000, owner("z"), "F");
  clock.advance(2000);
  expect(fired).toEqual(["yE@900", "xF@1000", "zF@1400"]);
});

test("one of many can be cancelled, at the head, in the middle and at the end", () => {
  const { clock, fired, owner, delays } = setup();
  const timers = ["a", "b", "c", "d"].map((name) => delays.after(500, owner(name), "E"));
  for (const at of [0, 2, 3]) timers[at]?.cancel();
  timers[0]?.cancel();
  clock.advance(500);
  expect(fired).toEqual(["bE@500"]);
});

test("a thousand of one length take one timer of the clock", () => {
  const { clock, owner, delays } = setup();
  for (let index = 0; index < 1000; index++) delays.after(32_000, owner("x"), "J");
  expect(clock.pending).toBe(1);
});

test("a timer started from one that fires comes a whole length later", () => {
  const { clock, fired, owner, delays } = setup();
  const again = { onTimer: () => void delays.after(500, owner("again"), "E") };
  delays.after(500, again, "E");
  clock.advance(1000);
  expect(fired).toEqual(["againE@1000"]);
});

test("an owner that throws does not stop the others", () => {
  const { clock, fired, owner, delays } = setup();
  const broken = {
    onTimer: () => {
      throw new Error("broken");
    },
  };
  delays.after(500, broken, "E");
  delays.after(500, owner("next"), "E");
  expect(() => clock.advance(500)).toThrow("broken");
  clock.advance(0);
  expect(fired).toEqual(["nextE@500"]);
});
