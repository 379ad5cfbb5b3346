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

/** A millisecond for each user takes a slow machine; so does the collection of what they leave. */
const LONGEST_MS_PER_USER = 3;
const LONGEST_MS = 300_000;
/** The heap that is measured, and as much again for what comes and goes. */
const OLD_SPACE_MB_PER_USER = 4 / 1024;
const OLD_SPACE_MB = 2048;

export async function measureMemory(users: number): Promise<MemoryResult> {
  say(`memory: ${users} users register and subscribe`);
  const heapMegabytes = Math.ceil(OLD_SPACE_MB + users * OLD_SPACE_MB_PER_USER);
  const child = fileURLToPath(new URL("./child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", `--max-old-space-size=${heapMegabytes}`, child, String(users)],
    { timeout: LONGEST_MS + users * LONGEST_MS_PER_USER },
  );
  return JSON.parse(stdout) as MemoryResult;
}
