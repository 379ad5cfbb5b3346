// docs/operations.md names every event that a node can write to its log, and no other.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CALL = /\b(?:debug|info|warn|error)\(\s*(?:\w+ \? )?("[a-z]+\.[a-z.-]+"(?: : "[a-z.-]+")?)/g;

/** Names that no call has in its text. */
const NOT_AT_CALLS = [
  "access.refused",
  "authentication.challenged-again",
  "authentication.probe",
  "authentication.resync",
  "core.refused",
  "log.lines-dropped",
  "message.malformed",
  "node.fault",
  "node.stop-failed",
  "webhook.dropped",
  "webhook.failed",
];

function namesIn(text: string): string[] {
  return [...text.matchAll(/[`"]([a-z]+\.[a-z-]+)[`"]/g)].map(([, name = ""]) => name);
}

test("the table of events is that of the code", () => {
  const files = globSync("packages/{common,pcscf,scscf,ue}/src/**/*.ts", { cwd: ROOT });
  const written = files
    .map((file) => readFileSync(`${ROOT}${file}`, "utf8"))
    .flatMap((source) => [...source.matchAll(CALL)].flatMap(([call]) => namesIn(call)));
  const docs = readFileSync(`${ROOT}docs/operations.md`, "utf8");
  const table = docs.slice(docs.indexOf("**Events in the log:**"), docs.indexOf("## Docker"));
  const named = table.split("\n").flatMap((row) => namesIn(row.split("|")[1] ?? ""));
  expect([...new Set(named)].sort()).toEqual([...new Set([...written, ...NOT_AT_CALLS])].sort());
  expect(written.length).toBeGreaterThan(50);
});
