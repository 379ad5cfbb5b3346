// docs/verify.md has the procedures and findings of the code, and no others; every finding can be found.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EXIT } from "../src/cli/exit-codes.ts";
import { FINDINGS } from "../src/verify/findings.ts";
import { PROCEDURES } from "../src/verify/procedures.ts";
import { RUNS } from "../src/verify/runs.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DOCS = readFileSync(`${ROOT}docs/verify.md`, "utf8");

function rowsUnder(heading: string): readonly string[] {
  const [, section = ""] = DOCS.split(`\n## ${heading}\n`);
  const [table = ""] = section.split("\n## ");
  return table.split("\n").filter((line) => line.startsWith("| `"));
}

test("the procedures, in order, with clauses, faults and checks", () => {
  const rows = PROCEDURES.map(({ name, title, clause, run, checks }) => {
    const faults = RUNS[run].flatMap((step) => (step.do === "fault" ? [`\`${step.name}\``] : []));
    const names = checks.map((check) => check.name);
    return `| \`${name}\` | ${title} | ${clause} | ${faults.join(", ")} | ${names.join(", ")} |`;
  });
  expect(rowsUnder("Procedures")).toEqual(rows);
});

test("a procedure's and a check's name stands for one", () => {
  expect(new Set(PROCEDURES.map(({ name }) => name)).size).toBe(PROCEDURES.length);
  for (const { checks } of PROCEDURES)
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
});

test("the findings, in order, each used by a check and met by a test of the judge", () => {
  const entries = Object.entries(FINDINGS);
  expect(rowsUnder("Findings")).toEqual(
    entries.map(([name, words]) => `| \`${name}\` | ${words} |`),
  );
  const source = globSync("packages/lab/src/verify/*-checks.ts", { cwd: ROOT })
    .map((file) => readFileSync(`${ROOT}${file}`, "utf8"))
    .join();
  const judged = readFileSync(`${ROOT}packages/lab/test/verify/judge.test.ts`, "utf8");
  for (const [name] of entries) {
    expect(source).toMatch(new RegExp(`failed\\(\\s*"${name}"`));
    expect(judged, name).toContain(`"${name}"`);
  }
});

test("the exit codes", () => {
  for (const code of [EXIT.done, EXIT.unknown, EXIT.notRegistered, EXIT.verdict, EXIT.interrupted])
    expect(DOCS).toMatch(new RegExp(`^\\| ${code} \\|`, "m"));
});
