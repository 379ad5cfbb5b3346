// A few runs of the simulation, planted bugs that it finds, and docs/simulation.md, which has the invariants and bugs of the code.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { INVARIANTS } from "./simulation/invariants.ts";
import { drawPlan } from "./simulation/plan.ts";
import { PLANTS } from "./simulation/plants.ts";
import { run } from "./simulation/run.ts";

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

test.each([1, 2, 3, 4])(
  "seed %i: every invariant holds, and the run is the same again",
  async (seed) => {
    const first = await run(drawPlan(seed));
    expect(first.violation).toBeUndefined();
    expect(first.messages).toBeGreaterThan(100);
    const again = await run(drawPlan(seed));
    expect([again.steps, again.messages]).toEqual([first.steps, first.messages]);
  },
);

test.each([
  ["lost-commit", 11, "not registered past a deadline"],
  ["deadline-twice", 4, "not registered past a deadline"],
  ["version-back", 1, "numbers rise"],
  ["sqn-back", 3, "no sequence number twice"],
])("planted: %s is found with seed %i", async (plant, seed, invariant) => {
  const { violation } = await run(drawPlan(seed), { plant: PLANTS[plant] });
  expect(violation?.invariant).toBe(invariant);
});
