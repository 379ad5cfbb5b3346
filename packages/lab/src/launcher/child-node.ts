// One node of the lab as a child process: start, `ready` line, log, end, reason of a failed start.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ChildNode {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves with the ready line; rejects with NotReady when the node ends before that. */
  readonly ready: Promise<string>;
  /** Resolves with the exit code when the process is gone. */
  readonly ended: Promise<number>;
  /** SIGTERM; the node is gone within two seconds. */
  stop(): Promise<void>;
}

/** The node ended before it was ready; the message is its output on standard error. */
export class NotReady extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface ChildOptions {
  readonly name: string;
  /** Path of its main.ts. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Each line it prints but the ready line: its log on standard output, errors on standard error. */
  readonly onLine: (line: string, stream: "log" | "error") => void;
}

export function startChild({ name, program, env, onLine }: ChildOptions): ChildNode {
  const child = spawn(process.execPath, [program], {
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"], // the node ends when this channel closes
  });
  const errors: string[] = [];
  const ended = endOf(child);
  const ready = new Promise<string>((resolve, reject) => {
    readLines(child.stdout, (line) => {
      if (line.startsWith("ready ")) resolve(line);
      else onLine(line, "log");
    });
    readLines(child.stderr, (line) => {
      errors.push(line);
      onLine(line, "error");
    });
    ended.then((code) => {
      const message = errors.join("\n") || `${name} ended with code ${code} before it was ready`;
      reject(new NotReady(message, code));
    }, reject);
  });
  ready.catch(() => undefined); // without a waiter it is no unhandled rejection
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  return { name, pid: child.pid, ready, ended, stop };
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  if (stream === null) throw new Error("a child process without its standard output");
  createInterface({ input: stream }).on("line", onLine);
}

/**
 * The message of `NotReady` for somebody who typed `npm start`.
 * @param set names of the variables that the launcher has set itself
 */
export function describeStartFailure(message: string, set: ReadonlySet<string>): string {
  const line = message.replace(/\(from environment ([A-Z0-9_]+)\)/g, (all, name: string) =>
    set.has(name) ? "(from npm start)" : all,
  );
  if (/\bEADDRINUSE\b/.test(line))
    return `${line}\nAnother lab or program has that port: end it, or take others with npm start -- --port-offset 100`;
  if (/\bEADDRNOTAVAIL\b/.test(line) && line.includes("access.host"))
    return `${line}\n--host takes an address of this machine (ip addr shows them), 0.0.0.0 or ::`;
  return line;
}
