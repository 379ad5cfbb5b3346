// Peers' text on a terminal: shown, and never obeyed.
import { expect, it } from "vitest";
import { printable } from "../../src/platform/printable.ts";

it.each([
  ["plain ASCII ~", "plain ASCII ~"],
  ["Jörg, naïve, Ωmega", "Jörg, naïve, Ωmega"],
  ["\u001b[31mred\u0007", "\\x1b[31mred\\x07"],
  ["C1: \u009b2J", "C1: \\x9b2J"],
  ["a\r\nb\tc\0", "a\\x0d\\x0ab\\x09c\\x00"],
  ["right to left \u202e", "right to left \\u{202e}"],
  ["no width \u200b\ufeff", "no width \\u{200b}\\u{feff}"],
  ["e\u0301", "e\\u{301}"],
  ["漢字", "\\u{6f22}\\u{5b57}"],
  ["한", "\\u{d55c}"],
  ["📞", "\\u{1f4de}"],
  ["half a pair \ud800", "half a pair \\u{d800}"],
  ["line\u2028end", "line\\u{2028}end"],
])("%j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it("leaves nothing that moves the cursor or has no width of its own, of the planes in use", () => {
  const moves = /[\p{Cc}\p{Cf}\p{Cs}\p{M}]/u;
  const blocks = [...Array.from({ length: 32 }, (_, at) => at * 4096), 0xe0000];
  for (const first of blocks) {
    const block = Array.from({ length: 4096 }, (_, at) => String.fromCodePoint(first + at));
    // Between surrogates that would make a pair stands a blank.
    expect(moves.test(printable(block.join(" "))), `from ${first.toString(16)}`).toBe(false);
  }
});
