// JUnit XML of test suites, as Jenkins, GitLab and others read it (their common part; there is no standard).
import { isoTime } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";

export type JunitOutcome =
  | { readonly kind: "passed" }
  /** `type`: a fixed word, such as `ignored`; `text`: further lines. */
  | {
      readonly kind: "failed";
      readonly type: string;
      readonly message: string;
      readonly text?: string;
    }
  | { readonly kind: "skipped"; readonly message: string };

export interface JunitCase {
  readonly name: string;
  /** What groups cases in a report: `imslab.reauth`. */
  readonly className: string;
  readonly seconds: number;
  readonly outcome: JunitOutcome;
  /** Further lines, whatever the outcome. */
  readonly output?: string;
}

export interface JunitSuite {
  readonly name: string;
  /** When it began: milliseconds since the epoch. */
  readonly at: number;
  readonly cases: readonly JunitCase[];
}

/** Names, messages and types; a file of many cases stays one that can be opened. */
const LONGEST_ATTRIBUTE = 1_000;
const LONGEST_TEXT = 20_000;

/** A whole document. Texts may be anybody's: they are cut, and what XML 1.0 §2.2 has no room for is spelt out. */
export function junitText(suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  const lines = suites.flatMap(suiteLines);
  const head = '<?xml version="1.0" encoding="UTF-8"?>';
  return `${[head, `<testsuites${countsOf(all)}>`, ...lines, "</testsuites>"].join("\n")}\n`;
}

function suiteLines({ name, at, cases }: JunitSuite): readonly string[] {
  // Without a zone, as the readers' schema has it: UTC.
  const timestamp = isoTime(at).slice(0, "2026-11-28T01:37:57".length);
  const own = attributes({ name, timestamp }) + countsOf(cases);
  return [`  <testsuite${own}>`, ...cases.flatMap(caseLines), "  </testsuite>"];
}

function caseLines({ name, className, seconds, outcome, output }: JunitCase): readonly string[] {
  const own = attributes({ classname: className, name, time: timeText(seconds) });
  const inner = [...outcomeLines(outcome), ...elementWithText("system-out", "", output)];
  if (inner.length === 0) return [`    <testcase${own}/>`];
  return [`    <testcase${own}>`, ...inner, "    </testcase>"];
}

function outcomeLines(outcome: JunitOutcome): readonly string[] {
  switch (outcome.kind) {
    case "passed":
      return [];
    case "failed": {
      const { message, type, text = message } = outcome;
      return elementWithText("failure", attributes({ message, type }), text);
    }
    case "skipped":
      return [`      <skipped${attributes({ message: outcome.message })}/>`];
  }
}

function elementWithText(name: string, own: string, text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`      <${name}${own}>${contentOf(text)}</${name}>`];
}

function countsOf(cases: readonly JunitCase[]): string {
  const of = (kind: JunitOutcome["kind"]): string =>
    String(cases.filter(({ outcome }) => outcome.kind === kind).length);
  const time = timeText(cases.reduce((sum, { seconds }) => sum + seconds, 0));
  const tests = String(cases.length);
  return attributes({ tests, failures: of("failed"), errors: "0", skipped: of("skipped"), time });
}

function timeText(seconds: number): string {
  return Math.max(0, seconds).toFixed(3);
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(printable(cut(value, LONGEST_ATTRIBUTE)))}"`)
    .join("");
}

function contentOf(text: string): string {
  return escaped(cut(text, LONGEST_TEXT).split("\n").map(printable).join("\n"));
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
}
