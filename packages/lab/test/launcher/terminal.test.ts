// The terminal's abilities, by itself and by its environment.
import { describe, expect, it } from "vitest";
import { hasColours, widthOf, wrapped } from "../../src/terminal.ts";

describe("colours", () => {
  it.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { TERM: "dumb" }, false],
    [true, { TERM: "xterm" }, true],
    [false, { FORCE_COLOR: "1" }, true],
    [true, { FORCE_COLOR: "0" }, false],
    [true, { FORCE_COLOR: "false" }, false],
    [true, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
    [false, { FORCE_COLOR: "" }, false],
  ])("a terminal: %s, %j: %s", (isTTY, env, expected) => {
    expect(hasColours({ isTTY }, env)).toBe(expected);
  });
});

describe("width", () => {
  it.each<[number | undefined, string | undefined, number]>([
    [132, "100", 132],
    [undefined, "100", 100],
    [undefined, undefined, 80],
    [undefined, "wide", 80],
    [undefined, "0", 80],
    [undefined, "", 80],
    [10, undefined, 40],
  ])("columns %s, COLUMNS %s: %d", (columns, variable, expected) => {
    const env = variable === undefined ? {} : { COLUMNS: variable };
    expect(widthOf(columns === undefined ? {} : { columns }, env)).toBe(expected);
  });
});

describe("wrapped", () => {
  it.each<[string, number, number, string[]]>([
    ["a bc def", 4, 1, ["a bc", " def"]],
    ["  a bc", 4, 2, ["  a", "  bc"]],
    ["abcdefgh", 4, 1, ["abcd", " efg", " h"]],
    ["", 10, 2, [""]],
  ])("%j in %d columns, indented by %d", (text, width, indent, lines) => {
    expect(wrapped(text, width, indent)).toEqual(lines);
  });
});
