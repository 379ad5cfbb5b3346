// Both CSCFs read a REGISTER's Authorization by `credentialsOf` alone: a second reader could read it otherwise.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IMPORTS = /import[^;]*[{\s,]Authorization\b[^;]*message\/fields/;
const BY_NAME = /\b(?:text|texts|get|all|linesNamed)\("(?:Proxy-)?Authorization"/;

test("no other file of either node reads it", () => {
  const files = globSync("packages/{pcscf,scscf}/src/**/*.ts", { cwd: ROOT });
  const readers = files.filter((file) => {
    const source = readFileSync(`${ROOT}${file}`, "utf8");
    return IMPORTS.test(source) || BY_NAME.test(source);
  });
  // What a UE claims of its own protection is named whichever value it stands in.
  expect(readers).toEqual(["packages/pcscf/src/sides/ue-credentials.ts"]);
  expect(files.length).toBeGreaterThan(100);
});
