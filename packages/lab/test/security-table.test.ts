// docs/security.md names tests: each of them exists. Design section 11.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const ROW = /^\| .* \| `(packages\/[^`]+)` \| (.+) \|$/gm;

const rows = [...read("docs/security.md").matchAll(ROW)].map(([, file = "", name = ""]) => ({
  file,
  name,
}));

test("the table has its rows", () => {
  expect(rows.length).toBeGreaterThanOrEqual(25);
});

test.each(rows)("$file: $name", ({ file, name }) => {
  expect(read(file)).toContain(`"${name}"`);
});
