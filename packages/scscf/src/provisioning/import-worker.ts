// The thread that reads an import: text in, entries and mistakes out.
import { parentPort, workerData } from "node:worker_threads";
import { type ImportText, readImport } from "./import-text.ts";
import type { ImportNews } from "./import-thread.ts";

/** Entries of one message: its taking in takes the node a millisecond or two. */
const BATCH = 1_000;

const { entries, ...end } = readImport(workerData as ImportText);
const tell = (news: ImportNews): void => parentPort?.postMessage(news);
if (end.mistakeCount === 0)
  for (let at = 0; at < entries.length; at += BATCH)
    tell({ entries: entries.slice(at, at + BATCH) });
tell({ end });
