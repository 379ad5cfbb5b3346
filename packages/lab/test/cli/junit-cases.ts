// Cases of JUnit documents for tests, and documents full of hostile text.
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import { type JunitCase, junitText } from "../../src/cli/junit.ts";

export function passed(name: string, more: Partial<JunitCase> = {}): JunitCase {
  return { name, className: "imslab.x", seconds: 0.25, outcome: { kind: "passed" }, ...more };
}
export const failed: JunitCase["outcome"] & { kind: "failed" } = {
  kind: "failed",
  type: "ignored",
  message: "no REGISTER",
};

export const HOSTILE: readonly string[] = [
  `"><script>&amp;</script>'`,
  "]]><!-- --",
  "\u0000\u0008\u001b[2J\u009b\u202e",
  "\ud800 half a pair \udfff",
  "\ufffe\uffff\ufdd0",
  "a\r\n\tb",
  "é ü 漢 \u{1f600}",
];

/** A document in which this text stands wherever one may. */
export function documentOf(text: string): string {
  const cases = [passed(text, { className: text, output: text, outcome: { ...failed, text } })];
  return junitText([{ name: text, at: FAKE_EPOCH, cases }]);
}
