// A report of verify for people, as text and as JUnit test cases.
import { printable } from "@ims-lab/common/platform/printable";
import type { JunitCase, JunitOutcome, JunitSuite } from "../cli/junit.ts";
import { wrapped } from "../terminal.ts";
import { FINDINGS } from "./findings.ts";
import type { Report } from "./runner.ts";
import { type CheckResult, findingsOf, type ProcedureResult, type Verdict } from "./verdict.ts";

const MARKS: Readonly<Record<Verdict, string>> = {
  pass: "pass",
  fail: "FAIL",
  "not-applicable": "-",
  inconclusive: "?",
};

/** A block for each procedure; of a check that failed what was expected, and where it is written. */
export function reportText({ impu, results, left, device }: Report, width: number): string {
  const lines = results.flatMap((result) => procedureLines(result));
  const findings = findingsOf(results);
  const what =
    findings.length === 0
      ? [`found: ${nothingIn(results)}`]
      : findings.map((name) => `found: ${name}: the device ${FINDINGS[name]}`);
  const counts = (["pass", "fail", "inconclusive", "not-applicable"] as const)
    .map((verdict) => [results.filter((one) => one.verdict === verdict).length, verdict] as const)
    .filter(([count]) => count > 0)
    .map(([count, verdict]) => `${count} ${WORDS[verdict]}`);
  const about = `${impu} (${device.scheme}, ${device.package ?? "no subscription"}), ${device.contact ?? ""}`;
  return [about, ...lines, "", ...what, `left: ${left}`, counts.join(", ")]
    .flatMap((line) => wrapped(printable(line), width, indentOf(line)))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "passed",
  fail: "failed",
  inconclusive: "inconclusive",
  "not-applicable": "not applicable",
};
const NAME_COLUMN = 6;

/** Who has judged nothing has not found that nothing is wrong. */
function nothingIn(results: readonly ProcedureResult[]): string {
  const has = (wanted: Verdict): boolean => results.some(({ verdict }) => verdict === wanted);
  if (!has("inconclusive")) return "nothing wrong";
  return has("pass")
    ? "nothing wrong in what could be judged"
    : "nothing, as nothing could be judged";
}

function indentOf(line: string): number {
  return (/^ */.exec(line)?.[0].length ?? 0) + 4;
}

function procedureLines({ name, title, clause, verdict, why, checks }: ProcedureResult): string[] {
  const mark = MARKS[verdict].padEnd(NAME_COLUMN);
  return [
    `${mark}${name}: ${title} (${clause})`,
    ...(why === null ? [] : [`${" ".repeat(NAME_COLUMN)}${why}`]),
    ...checks.flatMap(checkLines),
  ];
}

function checkLines(check: CheckResult): string[] {
  const indent = " ".repeat(NAME_COLUMN);
  switch (check.verdict) {
    case "pass":
      return [`${indent}ok   ${check.name}: ${check.saw}`];
    case "fail":
      return [
        `${indent}FAIL ${check.name}: ${check.saw}`,
        `${indent}     expected: ${check.expected} (${check.rule})`,
      ];
    case "not-judged":
      return [`${indent}?    ${check.name}: ${check.why}`];
  }
}

export function reportSuite({ impu, results }: Report, at: number): JunitSuite {
  return { name: `imslab verify ${impu}`, at, cases: results.map(caseOf) };
}

function caseOf(result: ProcedureResult): JunitCase {
  const { name, title, clause, milliseconds } = result;
  return {
    name: `${name}: ${title} (${clause})`,
    className: "imslab.verify",
    seconds: milliseconds / 1000,
    outcome: outcomeOf(result),
    output: result.checks.flatMap(checkLines).join("\n"),
  };
}

function outcomeOf({ verdict, why, checks }: ProcedureResult): JunitOutcome {
  if (verdict === "pass") return { kind: "passed" };
  if (verdict !== "fail") return { kind: "skipped", message: `${verdict}: ${why ?? ""}` };
  const wrong = checks.filter((one) => one.verdict === "fail");
  const [first] = wrong;
  return {
    kind: "failed",
    type: first?.finding ?? "fail",
    message: wrong.map((one) => `${one.name}: ${one.saw}`).join("; "),
    text: wrong.flatMap(checkLines).join("\n"),
  };
}
