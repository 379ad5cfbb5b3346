// Verdicts: of single checks, of procedures, of a device; what follows from what, pure.
import type { Course, DeviceFacts } from "./course.ts";
import type { Finding } from "./findings.ts";

/** What a check found out. */
export type CheckOutcome =
  | { readonly verdict: "pass"; readonly saw: string }
  | { readonly verdict: "fail"; readonly finding: Finding; readonly saw: string }
  /** What it would judge did not happen, and no fault of the device is in that. */
  | { readonly verdict: "not-judged"; readonly why: string };

export interface Check {
  readonly name: string;
  /** What is expected, in words. */
  readonly expected: string;
  /** Where it is written. */
  readonly rule: string;
  /** Nothing can be said when a check before it has failed. */
  readonly follows?: boolean;
  /** Absent: to every device. */
  applies?(device: DeviceFacts): boolean;
  judge(course: Course): CheckOutcome;
}

export type CheckResult = Pick<Check, "name" | "expected" | "rule"> & CheckOutcome;

export type Verdict = "pass" | "fail" | "not-applicable" | "inconclusive";

export interface ProcedureResult {
  readonly name: string;
  readonly title: string;
  readonly clause: string;
  readonly verdict: Verdict;
  /** Of what was not judged: why. */
  readonly why: string | null;
  readonly checks: readonly CheckResult[];
  readonly milliseconds: number;
}

export function passed(saw: string): CheckOutcome {
  return { verdict: "pass", saw };
}

export function failed(finding: Finding, saw: string): CheckOutcome {
  return { verdict: "fail", finding, saw };
}

export function notJudged(why: string): CheckOutcome {
  return { verdict: "not-judged", why };
}

/** One check that fails decides; none that could be judged decides nothing. */
export function judgeAll(
  checks: readonly Check[],
  course: Course,
): {
  readonly verdict: "pass" | "fail" | "inconclusive";
  why: string | null;
  checks: CheckResult[];
} {
  const results: CheckResult[] = [];
  for (const { name, expected, rule, follows, applies, judge } of checks) {
    if (applies?.(course.device) === false) continue;
    const before = follows === true && results.find(({ verdict }) => verdict === "fail");
    const outcome = before ? notJudged(`after what ${before.name} has found`) : judge(course);
    results.push({ name, expected, rule, ...outcome });
  }
  const isFail = results.some(({ verdict }) => verdict === "fail");
  const open = results.find((one) => one.verdict === "not-judged");
  const why = course.cutShort ?? (open?.verdict === "not-judged" ? open.why : null);
  if (isFail) return { verdict: "fail", why: null, checks: results };
  const isJudged = results.some(({ verdict }) => verdict === "pass");
  if (isJudged && open === undefined) return { verdict: "pass", why: null, checks: results };
  return { verdict: "inconclusive", why, checks: results };
}

/** What is wrong with the device, each once, in the order of the procedures. */
export function findingsOf(results: readonly ProcedureResult[]): readonly Finding[] {
  const all = results.flatMap(({ checks }) =>
    checks.flatMap((one) => (one.verdict === "fail" ? [one.finding] : [])),
  );
  return [...new Set(all)];
}
