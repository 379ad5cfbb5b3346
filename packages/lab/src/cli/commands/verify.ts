// `imslab verify`: a device taken through the procedures of TS 34.229-1 that it can be judged by. docs/verify.md.

import { writeFileSync } from "node:fs";
import { printable } from "@ims-lab/common/platform/printable";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { widthOf } from "../../terminal.ts";
import { adminControl } from "../../verify/admin-control.ts";
import { PROCEDURES, type Procedure } from "../../verify/procedures.ts";
import { reportSuite, reportText } from "../../verify/report.ts";
import { NotVerifiable, type Order, type Report, verifyDevice } from "../../verify/runner.ts";
import { findingsOf } from "../../verify/verdict.ts";
import { type Command, defineCommand, print, progressing, type Session } from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { junitText } from "../junit.ts";
import { impuOf, secondsOf, UsageError } from "../option-values.ts";

const TIMEOUT_SECONDS = 120;
const WITHIN_SECONDS = 60;
const MOST_WITHIN_SECONDS = 86_400;

export const verify: Command = defineCommand({
  name: "verify",
  help: `  imslab verify IMPU [--only NAME,...] [--timeout SECONDS] [--within SECONDS] [--caller IMPU] [--junit FILE]
  imslab verify --list
      Judges the user's device: re-authentication, challenges, de-registration, one procedure after the
      other. --timeout: the longest wait (120); --within: what the device gets to authenticate (60);
      --caller: a UE of the lab that calls it meanwhile. Ends with the device de-registered.
`,
  options: {
    only: { type: "string" },
    timeout: { type: "string" },
    within: { type: "string" },
    caller: { type: "string" },
    junit: { type: "string" },
    list: { type: "boolean" },
  },
  words: 1,
  read([argument], { only, timeout, within, caller, junit, list }) {
    const procedures = only === undefined ? PROCEDURES : named(only);
    if (list === true) return (session) => listProcedures(procedures, session);
    const order: Order = {
      impu: impuOf(argument, "verify"),
      procedures,
      extras: { caller: caller === undefined ? undefined : impuOf(caller, "verify --caller") },
      timeoutSeconds: secondsOf("--timeout", timeout) ?? TIMEOUT_SECONDS,
      withinSeconds: withinOf(within),
    };
    return (session) => verifying(order, junit, session);
  },
});

function withinOf(written: string | undefined): number {
  const seconds = secondsOf("--within", written) ?? WITHIN_SECONDS;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_WITHIN_SECONDS) return seconds;
  throw new UsageError(
    `--within: "${written}" is no whole number from 1 to ${MOST_WITHIN_SECONDS}`,
  );
}

function named(only: string): readonly Procedure[] {
  const names = only.split(",").map((name) => name.trim());
  const all = PROCEDURES.map(({ name }) => name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--only: "${unknown}" is none of ${all.join(", ")}`);
  return PROCEDURES.filter(({ name }) => names.includes(name));
}

function listProcedures(procedures: readonly Procedure[], session: Session): number {
  const items = procedures.map(({ name, title, clause, checks }) => ({
    name,
    title,
    clause,
    checks: checks.map(({ name: check, expected, rule }) => ({ name: check, expected, rule })),
  }));
  const text = items
    .map(({ name, title, clause, checks }) => {
      const lines = checks.map(({ expected, rule }) => `    ${expected} (${rule})\n`);
      return `${name}: ${title} (${clause})\n${lines.join("")}`;
    })
    .join("");
  return print({ items, total: items.length }, text, session);
}

async function verifying(
  order: Order,
  junit: string | undefined,
  session: Session,
): Promise<number> {
  const { context, scscf, ue } = session;
  const { clock, stdout, env } = context;
  const began = clock.now();
  const report = await progressing(session, ({ show }) =>
    verifyDevice(order, {
      clock,
      network: adminControl({ scscf, ue, clock }),
      show,
      signal: context.interruption?.() ?? new AbortController().signal,
    }).catch(failureOf),
  );
  const findings = findingsOf(report.results);
  if (junit !== undefined) write(junit, junitText([reportSuite(report, began)]));
  print({ ...report, findings }, reportText(report, widthOf(stdout, env)), session);
  return exitCodeOf(report);
}

function failureOf(problem: unknown): never {
  if (problem instanceof NotVerifiable) throw new CommandFailure(problem.exitCode, problem.message);
  throw problem;
}

/** A procedure that failed decides; one that could not be judged leaves the verdict open. */
function exitCodeOf({ results }: Report): number {
  if (results.some(({ verdict }) => verdict === "fail")) return EXIT.verdict;
  const isOpen =
    results.some(({ verdict }) => verdict === "inconclusive") ||
    !results.some(({ verdict }) => verdict === "pass");
  return isOpen ? EXIT.unknown : EXIT.done;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (problem) {
    const why = reasonOf(problem);
    throw new CommandFailure(EXIT.unknown, `--junit: ${printable(why)}`);
  }
}
