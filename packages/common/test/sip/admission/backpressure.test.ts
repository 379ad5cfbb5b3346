// RFC 6357 §4: a next node that has too much gets less, and everything comes back.
import { expect, test } from "vitest";
import { Backpressure } from "../../../src/sip/admission/backpressure.ts";

test("everything goes on while nobody complains", () => {
  expect(new Backpressure().share(1e12)).toBe(1);
});

test("each tenth of a second with a refusal takes a tenth off, however many refusals there are", () => {
  const backpressure = new Backpressure();
  for (let now = 1_000; now < 1_100; now += 1) backpressure.press(now);
  expect(backpressure.share(1_100)).toBeCloseTo(0.9);
  backpressure.press(1_100);
  expect(backpressure.share(1_100)).toBeCloseTo(0.81);
});

test("something always gets a try", () => {
  const backpressure = new Backpressure();
  for (let now = 1_000; now < 60_000; now += 100) backpressure.press(now);
  expect(backpressure.share(60_000)).toBe(0.01);
});

test("without refusals all of it comes back within seconds", () => {
  const backpressure = new Backpressure();
  for (let now = 1_000; now < 60_000; now += 100) backpressure.press(now);
  expect(backpressure.share(61_000)).toBeGreaterThan(0.05);
  expect(backpressure.share(61_000)).toBeLessThan(0.2);
  expect(backpressure.share(63_000)).toBe(1);
});
