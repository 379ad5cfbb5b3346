// A name that two numbered patterns have in common: the same answer as that of making all of them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePattern } from "../../src/subscribers/number-pattern.ts";
import { type NumberedName, sharedName } from "../../src/subscribers/pattern-overlap.ts";

function named(text: string, from: number, to: number): NumberedName {
  const pattern = parsePattern(text);
  if (pattern === undefined) throw new Error(`no pattern: ${text}`);
  return { pattern, from, to };
}

function namesOf({ pattern, from, to }: NumberedName): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => pattern.expand(from + at));
}

const MILLIONS = 999_999_999_999;

describe("found without making the names", () => {
  test.each<[string, NumberedName, NumberedName, string | undefined]>([
    [
      "ranges that touch",
      named("u{n}@h", 1, MILLIONS),
      named("u{n}@h", MILLIONS, MILLIONS),
      `u${MILLIONS}@h`,
    ],
    [
      "ranges beside each other",
      named("u{n}@h", 1, 499_999_999_999),
      named("u{n}@h", 500_000_000_000, MILLIONS),
      undefined,
    ],
    [
      "a prefix that ends in a digit",
      named("u{n}@h", 1, MILLIONS),
      named("u77{n}@h", 0, 0),
      "u770@h",
    ],
    ["the same, out of range", named("u{n}@h", 1, 769), named("u77{n}@h", 0, 99), undefined],
    ["another domain", named("u{n}@h", 1, MILLIONS), named("u{n}@g", 1, MILLIONS), undefined],
    ["widths", named("u{n:6}@h", 1, MILLIONS), named("u{n}@h", 1, 99_999), undefined],
    ["widths that meet", named("u{n:6}@h", 1, MILLIONS), named("u{n}@h", 1, 100_000), "u100000@h"],
    ["the number twice", named("u{n}x{n}@h", 1, MILLIONS), named("u12x{n}@h", 1, 11), undefined],
    [
      "the number twice, met",
      named("u{n}x{n}@h", 1, MILLIONS),
      named("u12x{n}@h", 1, 12),
      "u12x12@h",
    ],
    [
      "a literal that is a digit within",
      named("u{n}x0{n}@h", 1, MILLIONS),
      named("u7x{n:2}@h", 1, 9),
      "u7x07@h",
    ],
    [
      "a whole billion that misses by one",
      named("u1{n:11}@h", 0, 99_999_999_999),
      named("u{n}@h", 0, 99_999_999_999),
      undefined,
    ],
  ])("%s", (_, one, other, shared) => {
    expect(sharedName(one, other)).toBe(shared);
    expect(sharedName(other, one)).toBe(shared);
  });
});

test("as making all names would find it", () => {
  const literal = fc.constantFrom("", "1", "10", "0");
  const width = fc.constantFrom("{n}", "{n:2}", "{n:3}");
  const text = fc
    .tuple(literal, width, fc.constantFrom("@h", "x{n}@h", "x{n:3}@h", "x1{n}@h"))
    .map((parts) => parts.join(""))
    .filter((joined) => parsePattern(joined) !== undefined);
  const names = fc
    .tuple(text, fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 300 }))
    .map(([pattern, from, more]) => named(pattern, from, from + more));
  let met = 0;
  fc.assert(
    fc.property(names, names, (one, other) => {
      const all = new Set(namesOf(other));
      const both = namesOf(one).filter((name) => all.has(name));
      const found = sharedName(one, other);
      if (both.length > 0) met++;
      expect(found === undefined ? both : both.includes(found)).toEqual(
        found === undefined ? [] : true,
      );
    }),
    { numRuns: 3000 },
  );
  expect(met).toBeGreaterThan(30);
});
