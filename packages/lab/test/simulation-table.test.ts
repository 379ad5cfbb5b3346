// docs/simulation.md has the invariants and the planted bugs of the code and no others, and every kind of act.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ACT_KINDS } from "./simulation/acts.ts";
import { INVARIANTS } from "./simulation/invariants.ts";
import { PLANTS } from "./simulation/plants.ts";

const DOCS = readFileSync(
  fileURLToPath(new URL("../../../docs/simulation.md", import.meta.url)),
  "utf8",
);

function rowsUnder(heading: string): readonly string[] {
  const [, section = ""] = DOCS.split(`\n## ${heading}\n`);
  const [table = ""] = section.split("\n## ");
  return table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| name "));
}

test("the invariants, in order", () => {
  const rows = INVARIANTS.map(({ name, holds, clause }) => `| ${name} | ${holds} | ${clause} |`);
  expect(rowsUnder("Invariants")).toEqual(rows);
});

test("the planted bugs, in order", () => {
  const rows = Object.entries(PLANTS).map(([name, { says }]) => `| \`${name}\` | ${says} |`);
  expect(rowsUnder("Planted bugs")).toEqual(rows);
});

test("every kind of act", () => {
  const [, section = ""] = DOCS.split("\n## Acts\n");
  const missing = Object.keys(ACT_KINDS).filter((kind) => !section.includes(`\`${kind}\``));
  expect(missing).toEqual([]);
});
