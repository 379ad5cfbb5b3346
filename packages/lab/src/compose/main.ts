// `node packages/lab/src/compose/main.ts FOLDER [cluster]`: writes what the other containers start from, draws their token once, ends.

import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { labFiles } from "./lab-files.ts";

const TOKEN_OCTETS = 24;

const { argv, env, stderr } = process;
const [folder = ".", kind] = argv.slice(2);

/** Nobody reads half of it; for the nodes' own user alone. */
function write(name: string, text: string): void {
  const path = join(folder, name);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, text, { mode: 0o400 });
  renameSync(`${path}.new`, path);
}

try {
  const files = labFiles(env, folder, kind === "cluster");
  for (const [name, text] of Object.entries(files)) write(name, text);
  if (!existsSync(join(folder, "token")))
    write("token", cryptoRandom().bytes(TOKEN_OCTETS).toString("base64url"));
} catch (problem) {
  stderr.write(`${reasonOf(problem)}\n`);
  process.exitCode = 2;
}
