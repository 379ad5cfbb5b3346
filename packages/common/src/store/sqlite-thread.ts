// The thread that has a node's SQLite file: waiting for the disk keeps no message waiting.
import { parentPort, workerData } from "node:worker_threads";
import { SqliteFile, type SqliteFileOptions } from "./sqlite-file.ts";
import { serveSqlite } from "./sqlite-service.ts";

if (parentPort === null) throw new Error("to be run as a worker thread");
serveSqlite(parentPort, () => new SqliteFile(workerData as SqliteFileOptions));
