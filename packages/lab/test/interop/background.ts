// A program that runs beside a test until the test ends it, by its own process alone.
import { spawn } from "node:child_process";
import { expect, vi } from "vitest";
import { plainEnvironment } from "./programs.ts";

export interface Background {
  /** All it has printed until now, both streams. */
  readonly output: string;
  /** Waits until it has printed this; fails with all it said when it does not, or ends. */
  says(wanted: string | RegExp, milliseconds?: number): Promise<void>;
  /** Asks it to end, by force when it does not; resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
}

/** How long a program may take to end before it is killed. */
const PATIENCE_MS = 6000;

export function startBackground(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Background {
  const child = spawn(program, args, {
    cwd: options.cwd ?? "/tmp",
    env: { ...plainEnvironment(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  let exitCode: number | undefined;
  const ended = new Promise<number>((resolve) => {
    child.once("error", (problem) => {
      output += problem.message;
      resolve(-1);
    });
    child.once("close", (code) => resolve(code ?? -1));
  });
  void ended.then((code) => {
    exitCode = code;
  });
  return {
    get output() {
      return output;
    },
    says: (wanted, milliseconds = 10_000) =>
      vi.waitFor(
        () => {
          expect(exitCode, `${program} ended: ${output}`).toBeUndefined();
          expect(output, `${program} has not said it yet`).toMatch(wanted);
        },
        { timeout: milliseconds, interval: 20 },
      ),
    stop: async (signal = "SIGTERM") => {
      if (exitCode === undefined) child.kill(signal);
      const isGone = (): void => expect(exitCode).toBeDefined();
      await vi.waitFor(isGone, { timeout: PATIENCE_MS, interval: 20 }).catch(() => {
        child.kill("SIGKILL");
      });
      return ended;
    },
  };
}
