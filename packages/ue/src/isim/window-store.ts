// Where an ISIM keeps its sequence numbers: with the process, or in a file that survives it.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SQN_ENTRIES, type SqnWindow } from "@ims-lab/common/ims/sqn";

export interface SqnWindowStore {
  /** Undefined: a new card. */
  load(): SqnWindow | undefined;
  /** Kept when this returns. */
  save(window: SqnWindow): void;
}

export function memoryWindow(first?: SqnWindow): SqnWindowStore {
  let kept = first;
  return {
    load: () => kept,
    save: (window) => {
      kept = window;
    },
  };
}

/** Throws when the file is there and unreadable or not a window: a card's numbers are not guessed. */
export function fileWindow(path: string): SqnWindowStore {
  return {
    load() {
      const text = readIfThere(path);
      return text === undefined ? undefined : parseWindow(path, text);
    },
    save(window) {
      mkdirSync(dirname(path), { recursive: true });
      // Written beside and moved: a crash leaves the old numbers or the new ones.
      writeFileSync(`${path}.new`, `${JSON.stringify(window)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function parseWindow(path: string, text: string): SqnWindow {
  const refuse = (): Error =>
    new Error(
      `${path}: not an ISIM's numbers, expected { "seqs": [32 numbers], "highest": number }`,
    );
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw refuse();
  }
  if (typeof found !== "object" || found === null) throw refuse();
  const { seqs, highest } = found as { seqs?: unknown; highest?: unknown };
  if (!Array.isArray(seqs) || seqs.length !== SQN_ENTRIES || !seqs.every(isCount)) throw refuse();
  if (!isCount(highest)) throw refuse();
  return { seqs, highest };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
