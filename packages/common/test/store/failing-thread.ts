// The SQLite store's thread with a disk that can be filled: commits fail while `PATH.full` is there.
import { existsSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { FlatRows } from "../../src/store/group-commit.ts";
import { SqliteFile, type SqliteFileOptions } from "../../src/store/sqlite-file.ts";
import { serveSqlite } from "../../src/store/sqlite-service.ts";

const options = workerData as SqliteFileOptions;

class FillingFile extends SqliteFile {
  override write(rows: FlatRows): void {
    // The error is SQLite's own, in the middle of the transaction.
    const isFull = existsSync(`${options.path}.full`);
    this.database.exec(`PRAGMA query_only = ${Number(isFull)}`);
    super.write(rows);
  }
}

if (parentPort !== null) serveSqlite(parentPort, () => new FillingFile(options));
