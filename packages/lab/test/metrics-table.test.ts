// docs/operations.md names every metric that a node has, and no other.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MADE = /\bmetrics\.(?:counters?|gauges?|histograms?)\(\s*"([a-z_]+)"/g;
/** A row of a list of gauges, or a name that stands by itself. */
const LISTED = /(?:\[|^const NAME = )"([a-z_]+)"(?:, "[^"]*", \(\) =>|;)/gm;

function namesIn(source: string): string[] {
  return [MADE, LISTED].flatMap((form) => [...source.matchAll(form)].map(([, name = ""]) => name));
}

test("the table of metrics is that of the code", () => {
  const files = globSync("packages/{common,pcscf,scscf,ue}/src/**/*.ts", { cwd: ROOT });
  const sources = files.map((file) => readFileSync(`${ROOT}${file}`, "utf8"));
  const made = new Set(sources.filter((text) => text.includes("metrics.")).flatMap(namesIn));
  const docs = readFileSync(`${ROOT}docs/operations.md`, "utf8");
  const table = docs.slice(docs.indexOf("| metric | node"), docs.indexOf("**Events in the log:**"));
  const cells = table.split("\n").map((row) => row.split("|")[1] ?? "");
  const named = cells.flatMap((cell) =>
    [...cell.matchAll(/`([a-z_]+)(?:\{[a-z,]+\})?`/g)].map(([, name = ""]) => name),
  );
  expect([...new Set(named)].sort()).toEqual([...made].sort());
  expect(made.size).toBeGreaterThan(20);
});
