// An import from its text to its commit: read in a thread of its own, all of it or nothing.
import type { ImportFormat, ImportMistake } from "@ims-lab/common/admin-api/views";
import { subscriberOfRow } from "../subscribers/subscriber-row.ts";
import { type ImportedEntry, MOST_NAMED } from "./import-lines.ts";
import { formatOfImport, type ImportRead, type ImportText, readImport } from "./import-text.ts";
import { readImportApart } from "./import-thread.ts";
import type { NewSubscriber, Provisioning, PutCounts } from "./provisioning.ts";

export interface ImportOptions {
  /** Undefined: by what the text looks like. */
  readonly format?: ImportFormat;
  readonly replace: boolean;
  readonly dryRun: boolean;
}

export interface Imported {
  readonly read: Omit<ImportRead, "entries">;
  readonly counts: PutCounts;
}

/** Lines are wrong, or name subscribers that are there already: nothing has happened. */
export class ImportRefused extends Error {
  /** The first of them. */
  readonly mistakes: readonly ImportMistake[];
  readonly count: number;

  constructor(mistakes: readonly ImportMistake[], count: number) {
    super(count === 1 ? "1 mistake" : `${count} mistakes`);
    this.mistakes = mistakes;
    this.count = count;
  }
}

/** Rejects with ImportRefused, and as `Provisioning.putAll`. */
export async function importSubscribers(
  { provisioning, domain }: { readonly provisioning: Provisioning; readonly domain: string },
  text: string,
  { format, replace, dryRun }: ImportOptions,
): Promise<Imported> {
  const all: (NewSubscriber & { readonly line: number })[] = [];
  const take = (entries: readonly ImportedEntry[]): void => {
    for (const { impi, row, line, sqn } of entries) {
      const subscriber = subscriberOfRow(impi, row);
      if (subscriber !== undefined)
        all.push({ subscriber, line, ...(sqn !== undefined && { sqn }) });
    }
  };
  const read = await readText({ text, format, domain }, take);
  if (read.mistakeCount > 0) throw new ImportRefused(read.mistakes, read.mistakeCount);
  const result = await provisioning.putAll(all, { replace, isTrial: dryRun });
  if ("refused" in result) {
    const mistakes = result.refused.slice(0, MOST_NAMED).map(({ at, why }) => {
      const { line = 0, subscriber } = all[at] ?? {};
      return { line, why: `${subscriber?.impi} ${why}` };
    });
    throw new ImportRefused(mistakes, result.refused.length);
  }
  if (!dryRun) provisioning.note(all.map(({ subscriber }) => subscriber));
  return { read, counts: result };
}

/** Characters of a table: what is not longer is read before a thread would have started, and holds nobody up. */
const SHORT = 16 * 1024;
/** YAML that is nested takes the square of its length. */
const SHORT_YAML = 1024;

async function readText(
  imported: ImportText,
  take: (entries: readonly ImportedEntry[]) => void,
): Promise<Omit<ImportRead, "entries">> {
  const { length } = imported.text;
  if (length > SHORT || (length > SHORT_YAML && formatOfImport(imported) === "yaml"))
    return await readImportApart(imported, take);
  const { entries, ...read } = readImport(imported);
  take(entries);
  return read;
}
