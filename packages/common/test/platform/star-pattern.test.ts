// StarPattern patterns: what they match, what covers what, and that none takes long.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStarPattern, StarPattern } from "../../src/platform/star-pattern.ts";

test.each([
  ["alice@ims.example", "alice@ims.example", true],
  ["alice@ims.example", "alice@ims.example.org", false],
  ["*", "", true],
  ["*", "anything", true],
  ["load*@ims.example", "load17@ims.example", true],
  ["load*@ims.example", "load17@ims.examples", false],
  ["load*@ims.example", "xload17@ims.example", false],
  ["*phone*", "a phone of mine", true],
  ["ab*ba", "aba", false], // ends may not overlap
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "acb", false],
  ["a**c", "ac", true],
  ["a.c", "abc", false], // no regular expression
  ["[ab]", "a", false],
])("%s and %s: %s", (pattern, subject, is) => {
  expect(new StarPattern(pattern).matches(subject)).toBe(is);
});

test.each([
  ["*", "load*", true],
  ["load*", "*", false],
  ["load*", "load1*", true],
  ["load*", "load1", true],
  ["load1", "load*", false],
  ["*@a", "x*@a", true],
  ["a*c", "a*b*c", true],
  ["a*b*c", "a*c", false],
])("%s covers %s: %s", (pattern, other, is) => {
  expect(new StarPattern(pattern).covers(new StarPattern(other))).toBe(is);
});

test("as a regular expression would, of any text", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const escaped = pattern.replace(/\./g, "\\.").replace(/\*/g, ".*");
      expect(new StarPattern(pattern).matches(subject)).toBe(
        new RegExp(`^${escaped}$`).test(subject),
      );
    }),
  );
});

describe("what is no pattern", () => {
  test.each([
    ["nothing", ""],
    ["201 characters", "x".repeat(201)],
    ["eleven stars", "*".repeat(11)],
    ["a line end", "a\nb"],
    ["an escape sequence", "\u001b[31m"],
    ["an umlaut", "ä*"],
    ["a question mark", "a?"],
  ])("%s", (_what, text) => {
    expect(parseStarPattern(text)).toBeUndefined();
  });

  test("the longest is one", () => {
    expect(parseStarPattern(`${"*a".repeat(10)}${"x".repeat(180)}`)?.text).toHaveLength(200);
  });
});

test("many stars in a long text take no time worth mentioning", { timeout: 1_000 }, () => {
  const glob = new StarPattern("*a*a*a*a*a*a*a*a*a*b");
  const subject = "a".repeat(100_000);
  expect(glob.matches(subject)).toBe(false);
  expect(new StarPattern(`*${"a*".repeat(9)}`).matches(subject)).toBe(true);
});
