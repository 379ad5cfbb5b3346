// A process that this program has started, and that it alone ends.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Child {
  readonly pid: number;
  /** Settles with the exit code when it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, and SIGKILL to what is left two seconds later. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Nothing started here outlives this process. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** @param output file that takes what the process says */
export function startChild(
  command: string,
  args: readonly string[],
  options: { readonly output: string; readonly env?: Readonly<Record<string, string>> },
): Child {
  const log = openSync(options.output, "a");
  const child = spawn(command, args, {
    stdio: ["ignore", log, log],
    // biome-ignore lint/style/noProcessEnv: a child has the environment it would have without us
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  running.add(child);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  ended.catch(() => running.delete(child));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} cannot be started`);
  return { pid, ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  if (!running.has(child)) return;
  child.kill("SIGTERM");
  await Promise.race([ended, sleep(2000, undefined, { ref: false })]);
  if (running.has(child)) child.kill("SIGKILL");
  await ended;
}

/** Nanoseconds on a CPU, user and system, of a process, its threads and its descendants. */
export function cpuNanoseconds(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => sum + ownNanoseconds(each), 0);
}

function ownNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu = "0"] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    sum += Number(onCpu);
  }
  return sum;
}

function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}
