// Start of an S-CSCF with templated subscribers, and an import of as many as one may bring; each in a process of its own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { say } from "../output.ts";

export interface SubscribersResult {
  readonly users: number;
  /** From the start of the process until it serves, milliseconds. */
  readonly readyMs: number;
  /** CPU of all threads until then, milliseconds: what a busy machine does not change much. */
  readonly readyCpuMs: number;
  /** Of that, reading the subscribers file. */
  readonly readMs: number;
  /** Octets of JavaScript heap when it serves. */
  readonly heap: number;
  readonly imported: ImportFigures | undefined;
}

export interface ImportFigures {
  readonly users: number;
  readonly milliseconds: number;
  /** For which signalling has waited at the most. */
  readonly longestPauseMs: number;
  /** Octets of heap for each. */
  readonly heap: number;
}

const FEW = 1_000;
const MANY = 1_000_000;
const IMPORTED = 100_000;
const LONGEST_MS = 300_000;

/** A few and many templated ones in turn, then an import. */
export async function measureSubscribers(): Promise<readonly SubscribersResult[]> {
  say(`subscribers: ${FEW} and ${MANY} of a template, an import of ${IMPORTED}`);
  return [await child(FEW, 0), await child(MANY, 0), await child(MANY, IMPORTED)];
}

async function child(users: number, imported: number): Promise<SubscribersResult> {
  const script = fileURLToPath(new URL("./child.ts", import.meta.url));
  const argv = ["--expose-gc", script, String(users), String(imported)];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: LONGEST_MS });
  return JSON.parse(stdout) as SubscribersResult;
}
