// The last lines of a verdict: what was found is said only of what could be judged.
import { expect, test } from "vitest";
import { reportText } from "../../src/verify/report.ts";
import type { Report } from "../../src/verify/runner.ts";
import type { Verdict } from "../../src/verify/verdict.ts";

function lastLines(...verdicts: readonly Verdict[]): readonly string[] {
  const results = verdicts.map((verdict, at) => ({
    name: `p${at}`,
    title: "A procedure",
    clause: "RFC 3261 §10.2",
    verdict,
    why: verdict === "inconclusive" ? "it was not there" : null,
    checks: [],
    milliseconds: 1,
  }));
  const device = { scheme: "aka", package: "reg", contact: "sip:a@192.0.2.1" };
  const report = { impu: "sip:a@x", device, results, left: "registered" } as unknown as Report;
  return reportText(report, 100).split("\n").slice(-4, -1);
}

test.each<[readonly Verdict[], string, string]>([
  [["pass", "pass"], "nothing wrong", "2 passed"],
  [["pass", "not-applicable"], "nothing wrong", "1 passed, 1 not applicable"],
  [["pass", "inconclusive"], "nothing wrong in what could be judged", "1 passed, 1 inconclusive"],
  [["inconclusive"], "nothing, as nothing could be judged", "1 inconclusive"],
])("%j: found: %s", (verdicts, found, counts) => {
  expect(lastLines(...verdicts)).toEqual([`found: ${found}`, "left: registered", counts]);
});
