// A node seen as a process: what it needs of the system, what it is given, what it gives back.
import type { Clock } from "./clock.ts";
import type { LineStream } from "./gathered-output.ts";
import type { RootLogger } from "./logger.ts";

/** What a node needs of `process`; `main.ts` hands the real one in. */
export interface ProcessPort {
  /** What other users of the machine read in the list of processes. */
  title: string;
  /** With the program and the script in front, as Node gives it. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: LineStream;
  readonly stderr: { write(text: string): unknown };
  /** To the launcher that started it; undefined when none did. */
  readonly connected?: boolean;
  exit(code: number): void;
  on(event: string, listener: (reason: unknown) => void): unknown;
}

export interface NodeTools {
  readonly log: RootLogger;
  readonly clock: Clock;
}

export interface RunningNode {
  /** For the `ready` line: { sip: "127.0.0.1:6060", http: "http://127.0.0.1:9062" }. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Refuses new work, finishes what is under way, writes state; within 1.5 s. */
  stop(): Promise<void>;
}
