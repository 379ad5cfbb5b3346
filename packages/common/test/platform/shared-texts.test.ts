// Shared texts: one number each, as many as the table may have.
import { expect, test } from "vitest";
import { SharedTexts } from "../../src/platform/shared-texts.ts";

test("equal texts have one number, and come back by it", () => {
  const texts = new SharedTexts();
  const [a, b, again] = [texts.numberOf("a"), texts.numberOf(""), texts.numberOf("a")];
  expect([a, b, again]).toEqual([1, 2, 1]);
  expect([texts.text(1), texts.text(2)]).toEqual(["a", ""]);
});

test("a full table takes no more, and knows what it has", () => {
  const texts = new SharedTexts(2);
  expect(["a", "b", "c", "a"].map((text) => texts.numberOf(text))).toEqual([1, 2, undefined, 1]);
});
