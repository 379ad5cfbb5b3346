// JUnit XML: counts, escaping, bounds. An XML reader that is not ours: test/interop/junit-reader.test.ts.
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, test } from "vitest";
import { junitText } from "../../src/cli/junit.ts";
import { documentOf, failed, HOSTILE, passed } from "./junit-cases.ts";

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

describe.each(HOSTILE)("hostile text %j", (text) => {
  const document = documentOf(text);

  test("holds no character that XML 1.0 has no room for, and none that steers a terminal", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(document).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffe\uffff]/);
    expect(document.isWellFormed()).toBe(true);
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
