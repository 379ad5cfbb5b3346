// Storage of an ISIM's sequence numbers and of its device's URN, in memory or in a file. TS 33.102 annex C; RFC 5626 §4.1.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SQN_ENTRIES, type SqnWindow } from "@ims-lab/common/ims/sqn";
import { reasonOf } from "@ims-lab/common/platform/thrown";

export interface SqnWindowStore {
  /** Undefined: a new card. */
  load(): SqnWindow | undefined;
  /** Kept when this returns. */
  save(window: SqnWindow): void;
}

export interface SqnFile extends SqnWindowStore {
  /** URN of the device (RFC 5626 §4.1), known after `load`; kept with the numbers by `save`. */
  instance: string | undefined;
}

/** After the start a file that cannot be written is a loss, no reason to stop: the numbers count on in memory. */
export function toleratingWriteFailures(
  store: SqnWindowStore,
  onFailure: (why: string) => void,
): SqnWindowStore {
  return {
    load: () => store.load(),
    save(window) {
      try {
        store.save(window);
      } catch (problem) {
        onFailure(reasonOf(problem));
      }
    },
  };
}

export function memorySqnStore(first?: SqnWindow): SqnWindowStore {
  let kept = first;
  return {
    load: () => kept,
    save: (window) => {
      kept = window;
    },
  };
}

/** Throws when the file is there and unreadable or not a window: a card's numbers are not guessed. */
export function fileSqnStore(path: string): SqnFile {
  const file: SqnFile = {
    instance: undefined,
    load() {
      const text = readIfThere(path);
      if (text === undefined) return undefined;
      const { instance, ...window } = parseCard(path, text);
      file.instance = instance;
      return window;
    },
    save(window) {
      mkdirSync(dirname(path), { recursive: true });
      // Written beside and moved: a crash, or a full disk, leaves the old numbers or the new ones.
      const card = { ...window, instance: file.instance };
      writeFileSync(`${path}.new`, `${JSON.stringify(card)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
  return file;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function parseCard(
  path: string,
  text: string,
): SqnWindow & { readonly instance: string | undefined } {
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
  const { seqs, highest, instance } = found as Readonly<Record<string, unknown>>;
  if (!Array.isArray(seqs) || seqs.length !== SQN_ENTRIES || !seqs.every(isCount)) throw refuse();
  if (!isCount(highest)) throw refuse();
  return { seqs, highest, instance: isInstance(instance) ? instance : undefined };
}

/** What may stand in `+sip.instance="<…>"`. */
export function isInstance(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^urn:[a-z0-9][a-z0-9-]{0,31}:[^\s<>"\\\x7f-\uffff]{1,200}$/i.test(value)
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
