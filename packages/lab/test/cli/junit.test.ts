// JUnit XML: counts, escaping, bounds; read back by an XML reader that is not ours.
import { execFileSync, spawnSync } from "node:child_process";
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, test } from "vitest";
import { type JunitCase, junitText } from "../../src/cli/junit.ts";

/** Where it is installed. */
const READER: string = "xmllint";

function passed(name: string, more: Partial<JunitCase> = {}): JunitCase {
  return { name, className: "imslab.x", seconds: 0.25, outcome: { kind: "passed" }, ...more };
}
const failed = { kind: "failed", type: "ignored", message: "no REGISTER" } as const;

test("suites, their cases and what became of each, counted", () => {
  const cases = [
    passed("a"),
    passed("b", { seconds: 1.5, outcome: { ...failed, text: "line 1\nline 2" } }),
    passed("c", { outcome: { kind: "skipped", message: "no device" }, output: "so it said" }),
  ];
  expect(junitText([{ name: "s", at: FAKE_EPOCH, cases }])).toBe(
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" skipped="1" time="2.000">
  <testsuite name="s" timestamp="2023-11-14T22:13:20" tests="3" failures="1" errors="0" skipped="1" time="2.000">
    <testcase classname="imslab.x" name="a" time="0.250"/>
    <testcase classname="imslab.x" name="b" time="1.500">
      <failure message="no REGISTER" type="ignored">line 1
line 2</failure>
    </testcase>
    <testcase classname="imslab.x" name="c" time="0.250">
      <skipped message="no device"/>
      <system-out>so it said</system-out>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

test("without a case it is a document all the same", () => {
  expect(junitText([])).toContain('<testsuites tests="0"');
});

const HOSTILE = [
  `"><script>&amp;</script>'`,
  "]]><!-- --",
  "\u0000\u0008\u001b[2J\u009b\u202e",
  "\ud800 half a pair \udfff",
  "\ufffe\uffff\ufdd0",
  "a\r\n\tb",
  "é ü 漢 \u{1f600}",
];

describe.each(HOSTILE)("hostile text %j", (text) => {
  const document = junitText([
    {
      name: text,
      at: FAKE_EPOCH,
      cases: [passed(text, { className: text, output: text, outcome: { ...failed, text } })],
    },
  ]);

  test("holds no character that XML 1.0 has no room for, and none that steers a terminal", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(document).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffe\uffff]/);
    expect(document.isWellFormed()).toBe(true);
  });

  test.skipIf(spawnSync(READER, ["--version"]).error !== undefined)("is well-formed", () => {
    const names = execFileSync(READER, ["--xpath", "string(//testcase/@name)", "-"], {
      input: document,
    });
    expect(names.length).toBeGreaterThan(1);
  });
});

test("texts are cut: a peer's reason of a megabyte stays a line", () => {
  const long = "x".repeat(1_000_000);
  const cases = [passed(long, { outcome: { ...failed, message: long, text: long } })];
  const document = junitText([{ name: long, at: 0, cases }]);
  expect(document.length).toBeLessThan(25_000);
  expect(document).toContain("x…");
});

test("a cut within a pair of surrogates leaves no half of it", () => {
  const document = junitText([{ name: `${"x".repeat(999)}\u{1f600}`, at: 0, cases: [] }]);
  expect(document.isWellFormed()).toBe(true);
});
