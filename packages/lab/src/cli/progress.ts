// Progress of a command that waits for a node: polling, and the line that shows it.
import type { Clock } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";

export interface Progress {
  readonly clock: Clock;
  /** One line for a person who waits. */
  show(line: string): void;
}

interface ProgressOutput {
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly clock: Clock;
}

/** Runs `work`, and removes its progress line when it is over, however it ends. */
export async function withProgress<T>(
  { stderr, clock }: ProgressOutput,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const line = progressLine(stderr);
  try {
    return await work({ clock, show: line.show });
  } finally {
    line.clear();
  }
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** On a terminal one line that changes in place, elsewhere a line per change of state. */
function progressLine(stderr: ProgressOutput["stderr"]): {
  show(line: string): void;
  clear(): void;
} {
  let shown = false;
  let lastState = "";
  return {
    show: (line) => {
      const text = printable(line);
      if (stderr.isTTY) stderr.write(`\r\u001b[K${text}`);
      else {
        const state = text.replace(/, \S+ \S+ left/g, "");
        if (state !== lastState) stderr.write(`${text}\n`);
        lastState = state;
      }
      shown = true;
    },
    clear: () => {
      if (shown && stderr.isTTY) stderr.write("\r\u001b[K");
    },
  };
}
