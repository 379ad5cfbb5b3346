// Octets per user of an S-CSCF that holds many; measured in a process of its own.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { say } from "../output.ts";

export interface MemoryResult {
  readonly users: number;
  /** Per user: JavaScript heap, buffers outside it, resident set. */
  readonly heap: number;
  readonly external: number;
  readonly rss: number;
}

const LONGEST_MS = 300_000;

export async function measureMemory(users: number): Promise<MemoryResult> {
  say(`memory: ${users} users register and subscribe`);
  const child = fileURLToPath(new URL("./child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--max-old-space-size=4096", child, String(users)],
    { timeout: LONGEST_MS },
  );
  return JSON.parse(stdout) as MemoryResult;
}
