// Lines to a stream, many in one write: a reader that is slow or gone never holds the process up.
import type { Clock } from "./clock.ts";

/** What is needed of a Node stream such as `process.stdout`, which never blocks on a pipe. */
export interface LineStream {
  write(text: string, written?: () => void): unknown;
  /** Characters that wait for the reader. */
  readonly writableLength: number;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface GatheredOutput {
  write(line: string): void;
  /** Resolves when the reader has everything, is gone, or has been too slow for 200 ms. */
  flush(): Promise<void>;
}

/** Under load many lines leave in one write; a single line waits this long at most. */
const GATHER_MS = 20;
const GATHER_CHARACTERS = 8_192;

/** What a reader that does not read may cost; lines beyond it are dropped, and counted in a line of their own. */
const LONGEST_BACKLOG = 8 * 1_048_576;

/** How long the end of a process waits for a slow reader. */
const LONGEST_FLUSH_MS = 200;

export function gatheredOutput(stream: LineStream, clock: Clock): GatheredOutput {
  let gathered = "";
  let isArmed = false;
  let isGone = false;
  let dropped = 0;
  stream.on("error", () => {
    isGone = true; // nobody reads any more (EPIPE): not worth a node's life
  });

  const send = (): void => {
    const lines = gathered;
    gathered = "";
    if (!isGone && lines !== "") stream.write(lines);
  };
  const arm = (): void => {
    if (isArmed) return;
    isArmed = true;
    clock.after(GATHER_MS, () => {
      isArmed = false;
      send();
    });
  };
  return {
    write(line) {
      if (stream.writableLength > LONGEST_BACKLOG) {
        dropped += 1;
        return;
      }
      gathered += dropped === 0 ? line : droppedLine(dropped, clock) + line;
      dropped = 0;
      if (gathered.length >= GATHER_CHARACTERS) send();
      else arm();
    },
    flush() {
      send();
      if (isGone || stream.writableLength === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const patience = clock.after(LONGEST_FLUSH_MS, resolve);
        stream.write("", () => {
          patience.cancel();
          resolve();
        });
      });
    },
  };
}

function droppedLine(lines: number, clock: Clock): string {
  const time = Math.floor(clock.now());
  return `${JSON.stringify({ level: "warn", time, lines, event: "log.lines-dropped" })}\n`;
}
