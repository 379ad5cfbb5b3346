// JUnit documents full of hostile text, read by an XML reader that is not ours.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { documentOf, HOSTILE } from "../cli/junit-cases.ts";
import { requirePrograms } from "./programs.ts";

requirePrograms(["xmllint"]);

test.each(HOSTILE)("hostile text %j is well-formed", (text) => {
  const query = ["--xpath", "string(//testcase/@name)", "-"];
  const name = execFileSync("xmllint", query, { input: documentOf(text) });
  expect(name.length).toBeGreaterThan(1);
});
