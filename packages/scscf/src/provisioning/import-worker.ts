// The thread that reads an import: text in, entries and mistakes out.
import { parentPort, workerData } from "node:worker_threads";
import { type ImportText, readImport } from "./import-text.ts";
import type { ImportNews } from "./import-thread.ts";

/** Entries of one message: a few milliseconds of the node's time. */
const BATCH = 500;

const { entries, ...end } = readImport(workerData as ImportText);
let at = end.mistakeCount === 0 ? 0 : entries.length;

function tell(news: ImportNews): void {
  parentPort?.postMessage(news);
}

/** One after the other, as they are asked for: messages that wait would be taken in one go. */
function tellNext(): void {
  if (at < entries.length) tell({ entries: entries.slice(at, at + BATCH) });
  else {
    tell({ end });
    parentPort?.close();
  }
  at += BATCH;
}

parentPort?.on("message", tellNext);
tellNext();
