// docs/faults.md has the faults and presets of the code, with their words and parameters, and no others.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type FaultCatalogue,
  type FaultParameter,
  scscfFaults,
  ueFaults,
} from "@ims-lab/common/admin-api/faults";
import { describe, expect, test } from "vitest";

const DOCS = readFileSync(
  fileURLToPath(new URL("../../../docs/faults.md", import.meta.url)),
  "utf8",
);

function rowsUnder(node: string): readonly (readonly string[])[] {
  const [, section = ""] = DOCS.split(`### ${node}\n`);
  const [table = ""] = section.split(/\n#+ /);
  return table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.slice(2, -2).split(" | "));
}

function parameterText(parameter: FaultParameter): string {
  return parameter.kind === "word"
    ? `\`${parameter.name}\`: ${parameter.words.map((word) => `\`${word}\``).join(", ")}`
    : `\`${parameter.name}\`: ${parameter.min} to ${parameter.max}, ${parameter.default}`;
}

const catalogues: readonly FaultCatalogue[] = [ueFaults, scscfFaults];
describe.each(catalogues)("$node", ({ node, faults, presets }) => {
  test("faults, parameters and presets are those of the code, in its order", () => {
    const expected = [
      ...faults.map(({ name, doc, parameters }) => [
        `\`${name}\``,
        doc,
        parameters.map(parameterText).join("; "),
      ]),
      ...presets.map(({ name, doc, combines }) => [
        `\`${name}\``,
        doc,
        combines.map((one) => `\`${one}\``).join(", "),
      ]),
    ];
    const rows = rowsUnder(node);
    expect(rows.map((row) => row.slice(0, 3))).toEqual(expected);
    for (const row of rows) expect(row[3], row[0]).toMatch(/^\S/);
  });
});
