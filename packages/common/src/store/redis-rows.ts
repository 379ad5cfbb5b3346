// The store in a Redis or Valkey: one node's rows, written by whoever owns them; away and back, it goes on by itself.
import type { Clock, NextTurn, Timer } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import type { Logger } from "../platform/logger.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import { type FlatRows, GroupCommit } from "./group-commit.ts";
import {
  connectRedis,
  type RedisAddress,
  type RedisConnection,
  RedisRefusal,
} from "./redis-connection.ts";
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
/** How long a node that was killed keeps the next one waiting. */
const LEASE_MS = 4000;
const RENEW_MS = 1000;
/** Between two tries while Redis is away. */
const RECONNECT_MS = 500;
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
  #connection: RedisConnection | undefined;
  /** Why there is none. */
  #away = "not connected yet";
  #token = "";
  #written = 0;
  /** A batch whose fate is unknown, and which has failed for whoever waited. */
  #inDoubt = "";
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: RedisRowsOptions<Rows>) {
    const { tables, clock, nextTurn, node } = options;
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
  }

  /** Waits for the end of a node that was killed. */
  async open(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + LEASE_MS + RENEW_MS;
    for (;;) {
      const owner = await this.#connect().catch((why: unknown) => {
        throw this.#refused(`a Redis or Valkey that answers there (${asError(why).message})`);
      });
      if (owner === undefined) break;
      if (clock.now() >= until || owner.startsWith("the cluster "))
        throw this.#refused(
          `rows that no other node has: ${printable(owner)} has them; end it, or give this node another database number`,
        );
      await new Promise<void>((resolve) => void clock.after(RECONNECT_MS, resolve));
    }
    await this.#warnIfVolatile();
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
        const found = await this.#command(["HSCAN", key, cursor, "COUNT", ROWS_AT_ONCE]);
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
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#script(RELEASE, [this.#token]).catch(() => undefined);
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #write(rows: FlatRows): Promise<void> {
    this.#written += 1;
    const batch = `${this.#token} ${this.#written}`;
    const args = [this.#token, batch];
    for (let at = 0; at < rows.length; at += 3) {
      const text = rows[at + 2] ?? null;
      const table = this.#tables.indexOf(rows[at] as keyof Rows & string) + 1;
      args.push(String(table), text === null ? "0" : "1", rows[at + 1] ?? "", text ?? "");
    }
    if (this.#connection === undefined) throw this.#isAway();
    try {
      await this.#script(WRITE, args);
    } catch (problem) {
      if (problem instanceof RedisRefusal) throw problem;
      // It may have come through: then it is undone before anything else is written.
      this.#inDoubt = batch;
      this.#lost(asError(problem));
      throw this.#isAway();
    }
  }

  /** Who has the rows, when it is somebody else. */
  async #connect(): Promise<string | undefined> {
    const { clock, random, node } = this.#options;
    const connection = await connectRedis(this.#options, clock, (why) => this.#lost(why));
    const before = this.#token;
    const token = `${node} ${random.hex(8)}`;
    this.#connection = connection;
    try {
      const args = [token, before, String(LEASE_MS), this.#inDoubt];
      const [owner] = (await this.#script(CLAIM, args)) as readonly string[];
      if (owner !== undefined) {
        connection.close();
        this.#connection = undefined;
        return owner;
      }
    } catch (problem) {
      connection.close();
      this.#connection = undefined;
      throw problem;
    }
    this.#token = token;
    this.#inDoubt = "";
    this.#renewLater();
    return undefined;
  }

  #renewLater(): void {
    this.#timer = this.#options.clock.after(RENEW_MS, () => {
      this.#script(RENEW, [this.#token, String(LEASE_MS)]).then(
        () => {
          if (!this.#isClosed && this.#connection !== undefined) this.#renewLater();
        },
        (problem: unknown) => this.#lost(asError(problem)),
      );
    });
  }

  /** Tries until it is back. */
  #lost(why: Error): void {
    if (this.#isClosed || this.#connection === undefined) return;
    this.#connection.close();
    this.#connection = undefined;
    this.#timer?.cancel();
    this.#again(why.message);
  }

  #again(why: string): void {
    this.#away = why;
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(RECONNECT_MS, () => {
      this.#connect().then(
        (owner) => {
          if (owner !== undefined) this.#again(`${printable(owner)} has the rows`);
        },
        (problem: unknown) => this.#again(asError(problem).message),
      );
    });
  }

  #script(script: string, args: readonly string[]): Promise<unknown> {
    return this.#command(["EVAL", script, String(this.#keys.length), ...this.#keys, ...args]);
  }

  #command(args: readonly string[]): Promise<unknown> {
    const connection = this.#connection;
    return connection === undefined ? Promise.reject(this.#isAway()) : connection.command(args);
  }

  /** Without its append-only file a Redis forgets what it has confirmed. */
  async #warnIfVolatile(): Promise<void> {
    const info = await this.#command(["INFO", "persistence"]).catch(() => "");
    if (/^aof_enabled:0/m.test(String(info)))
      this.#options.log.warn("store.volatile", {
        store: this.#options.url,
        missing: "appendonly yes",
      });
  }

  #isAway(): Error {
    return new Error(`${this.#options.url} is away: ${this.#away}`);
  }

  #refused(allowed: string): SettingError {
    return new SettingError("store", this.#options.url, allowed);
  }
}

/** Of the keys, behind owner, last and undo. */
const FIRST_TABLE = 3;

function asError(problem: unknown): Error {
  return problem instanceof Error ? problem : new Error(String(problem));
}
