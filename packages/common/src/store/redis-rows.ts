// The store in a Redis or Valkey: one node's rows, written by whoever has their lease.
import type { Clock, NextTurn } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import type { Logger } from "../platform/logger.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import { asError } from "../platform/thrown.ts";
import { type FlatRows, GroupCommit } from "./group-commit.ts";
import { LeasedConnection } from "./leased-connection.ts";
import { connectRedis, type RedisAddress, type RedisConnection } from "./redis-connection.ts";
import { CLAIM, RELEASE, RENEW, redisKeys, WRITE } from "./redis-scripts.ts";
import { noRows, type RowChange, type RowsById, type TableFormats } from "./rows.ts";
import type { RowStore } from "./store.ts";

export interface RedisRowsOptions<Rows> extends RedisAddress {
  readonly node: string;
  readonly tables: TableFormats<Rows>;
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  readonly random: Random;
  readonly log: Logger;
}

/** As in a file: some company is waited for, under load. */
const SPACING_MS = 10;
const ROWS_AT_ONCE = "1000";

/** Resolves when the rows are this process's. Throws SettingError when they cannot be. */
export async function openRedisRows<Rows>(
  options: RedisRowsOptions<Rows>,
): Promise<RowStore<Rows>> {
  const store = new RedisRows(options);
  await store.open();
  return store;
}

class RedisRows<Rows> implements RowStore<Rows> {
  readonly #options: RedisRowsOptions<Rows>;
  readonly #tables: readonly (keyof Rows & string)[];
  readonly #keys: readonly string[];
  readonly #group: GroupCommit<Rows>;
  readonly #leased: LeasedConnection<RedisConnection>;

  constructor(options: RedisRowsOptions<Rows>) {
    const { tables, clock, nextTurn, node, random, url, log } = options;
    this.#options = options;
    this.#tables = Object.keys(tables) as (keyof Rows & string)[];
    this.#keys = redisKeys(`ims-lab:${node}`, this.#tables);
    this.#group = new GroupCommit({
      tables,
      clock,
      nextTurn,
      spacingMs: SPACING_MS,
      write: (rows, done) => {
        this.#write(rows).then(
          () => done(),
          (problem: unknown) => done(asError(problem)),
        );
      },
    });
    this.#leased = new LeasedConnection<RedisConnection>({
      url,
      clock,
      log,
      newToken: () => `${node} ${random.hex(8)}`,
      connect: (onLost) => connectRedis(options, clock, onLost),
      take: async (connection, { token, before, leaseMs, inDoubt }) => {
        const args = [token, before, String(leaseMs), inDoubt];
        const [owner] = (await this.#script(connection, CLAIM, args)) as readonly string[];
        if (owner === undefined) return undefined;
        return {
          why: `${printable(owner)} has them`,
          mayEnd: !owner.startsWith("the cluster "),
        };
      },
      renew: (connection, token, leaseMs) =>
        this.#script(connection, RENEW, [token, String(leaseMs)]),
      release: (connection, token) => this.#script(connection, RELEASE, [token]),
      persistence: (connection) => connection.command(["INFO", "persistence"]),
    });
  }

  /** Waits for the end of a node that was killed. */
  async open(): Promise<void> {
    const refusal = await this.#leased.open();
    if (refusal !== undefined)
      throw this.#refused(
        `rows that no other node has: ${refusal.why}; end it, or give this node another database number`,
      );
  }

  commit(changes: readonly RowChange<Rows>[], done: (problem?: Error) => void): void {
    this.#group.commit(changes, done);
  }

  async load(): Promise<RowsById<Rows>> {
    const { tables } = this.#options;
    await this.#group.idle();
    const contents = noRows(tables, (row) =>
      this.#refused(`rows that can be read: there is another, ${row}`),
    );
    for (const [at, table] of this.#tables.entries()) {
      const key = this.#keys[FIRST_TABLE + at] ?? "";
      for (let cursor = "0"; ; ) {
        const scan = ["HSCAN", key, cursor, "COUNT", ROWS_AT_ONCE];
        const found = await this.#leased.run((connection) => connection.command(scan));
        const [next, rows] = found as [string, readonly string[]];
        for (let row = 0; row < rows.length; row += 2)
          contents[table].keep(rows[row] ?? "", rows[row + 1] ?? "");
        cursor = next;
        if (cursor === "0") break;
      }
    }
    return contents;
  }

  async close(): Promise<void> {
    await this.#group.idle();
    await this.#leased.close();
  }

  async #write(rows: FlatRows): Promise<void> {
    const args: string[] = [];
    for (let at = 0; at < rows.length; at += 3) {
      const text = rows[at + 2] ?? null;
      const table = this.#tables.indexOf(rows[at] as keyof Rows & string) + 1;
      args.push(String(table), text === null ? "0" : "1", rows[at + 1] ?? "", text ?? "");
    }
    await this.#leased.write((connection, token, batch) =>
      this.#script(connection, WRITE, [token, batch, ...args]),
    );
  }

  #script(connection: RedisConnection, script: string, args: readonly string[]): Promise<unknown> {
    return connection.command(["EVAL", script, String(this.#keys.length), ...this.#keys, ...args]);
  }

  #refused(allowed: string): SettingError {
    return new SettingError("store", this.#options.url, allowed);
  }
}

/** Of the keys, behind owner, last and undo. */
const FIRST_TABLE = 3;
