// One node of the lab as a child process: start, the `ready` line, its log, its end.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ChildNode {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves with the ready line; rejects with what the node said when it ends before that. */
  readonly ready: Promise<string>;
  /** Resolves with the exit code when the process is gone. */
  readonly ended: Promise<number>;
  /** SIGTERM; the node is gone within two seconds. */
  stop(): Promise<void>;
}

/** It ended before it was ready; the message is what it said. */
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
  /** Each line it prints but the ready line: its log on standard output, complaints on standard error. */
  readonly onLine: (line: string, stream: "log" | "complaint") => void;
}

export function startChild({ name, program, env, onLine }: ChildOptions): ChildNode {
  const child = spawn(process.execPath, [program], {
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"], // the channel tells the node when we are gone
  });
  const complaints: string[] = [];
  const ended = endOf(child);
  const ready = new Promise<string>((resolve, reject) => {
    readLines(child.stdout, (line) => {
      if (line.startsWith("ready ")) resolve(line);
      else onLine(line, "log");
    });
    readLines(child.stderr, (line) => {
      complaints.push(line);
      onLine(line, "complaint");
    });
    ended.then((code) => {
      const said = complaints.join("\n") || `${name} ended with code ${code} before it was ready`;
      reject(new NotReady(said, code));
    }, reject);
  });
  ready.catch(() => undefined); // who waits for it hears of it; nobody has to
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
