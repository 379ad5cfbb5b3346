// Reads an import in a thread of its own, so that signalling does not wait for it.
import { Worker } from "node:worker_threads";
import { nextTurn } from "@ims-lab/common/platform/clock";
import type { ImportedEntry } from "./import-lines.ts";
import type { ImportRead, ImportText } from "./import-text.ts";

/** What the thread says, in this order. */
export type ImportNews =
  | { readonly entries: readonly ImportedEntry[] }
  | { readonly end: Omit<ImportRead, "entries"> };

const MEMORY_MEGABYTES = 1_024;

/**
 * @param take gets the entries, some hundred at a time, with a turn for signalling between them
 * Rejects when the thread ends without an end, such as for want of memory.
 */
export function readImportApart(
  workerData: ImportText,
  take: (entries: readonly ImportedEntry[]) => void,
): Promise<Omit<ImportRead, "entries">> {
  const thread = new Worker(new URL("./import-worker.ts", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MEGABYTES },
  });
  return new Promise((resolve, reject) => {
    thread.on("message", (news: ImportNews) => {
      if ("end" in news) {
        resolve(news.end);
        return;
      }
      take(news.entries);
      nextTurn(() => thread.postMessage("more"));
    });
    thread.on("error", reject);
    thread.on("exit", (code) => reject(new Error(`the import's thread ended with ${code}`)));
  });
}
