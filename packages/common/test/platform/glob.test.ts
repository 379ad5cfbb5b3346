// Patterns: the whole text, against a reference made of regular expressions, and in time.
import fc from "fast-check";
import { expect, test } from "vitest";
import { glob } from "../../src/platform/glob.ts";

test.each([
  ["sip:alice@ims.example", "sip:alice@ims.example", true],
  ["sip:alice@ims.example", "sip:alice@ims.example2", false],
  ["sip:*@ims.example", "sip:alice@ims.example", true],
  ["*", "", true],
  ["", "", true],
  ["", "a", false],
  ["?", "", false],
  ["load?@x", "load1@x", true],
  ["load?@x", "load12@x", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-b-b-", false],
  ["**a**", "xay", true],
  ["a.c", "abc", false],
  ["(x)+[a]", "(x)+[a]", true],
])("%j matches %j: %s", (pattern, text, expected) => {
  expect(glob(pattern)(text)).toBe(expected);
});

test("capital and small letters differ unless told otherwise", () => {
  expect(glob("Phone*")("phone/1")).toBe(false);
  expect(glob("Phone*", { ignoreCase: true })("pHONE/1")).toBe(true);
});

test("the same as a regular expression", () => {
  const pieces = fc.constantFrom("a", "b", "*", "?");
  const short = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(""));
  const text = fc
    .array(fc.constantFrom("a", "b"), { maxLength: 10 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(short, text, (pattern, one) => {
      const source = pattern.replace(/\*/g, ".*").replace(/\?/g, ".");
      expect(glob(pattern)(one)).toBe(new RegExp(`^${source}$`).test(one));
    }),
  );
});

test("a pattern that would keep a backtracking matcher busy for years", () => {
  const test = glob(`${"*a".repeat(120)}*b`);
  expect(test("a".repeat(2_000))).toBe(false);
});
