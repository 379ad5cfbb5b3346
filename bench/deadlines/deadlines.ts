// Lateness of many deadlines that are due within one second; measured in a process of its own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { say } from "../output.ts";

export interface DeadlinesResult {
  readonly bindings: number;
  /** Milliseconds from when a binding expires until it is durably gone. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Microseconds of CPU for each of them. */
  readonly cpu: number;
}

const BINDINGS = 100_000;
const LONGEST_MS = 300_000;

export async function measureDeadlines(): Promise<DeadlinesResult> {
  say(`deadlines: ${BINDINGS} bindings register, and expire within one second`);
  const child = fileURLToPath(new URL("./child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--max-old-space-size=4096", child, String(BINDINGS)],
    { timeout: LONGEST_MS },
  );
  return JSON.parse(stdout) as DeadlinesResult;
}
