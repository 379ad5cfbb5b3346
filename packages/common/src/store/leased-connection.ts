// A connection to a Redis under a lease: the lease renewed while it stands, both taken anew when it is lost.
import type { Clock, Timer } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import type { Logger } from "../platform/logger.ts";
import { asError } from "../platform/thrown.ts";
import { RedisRefusal } from "./redis-connection.ts";

/** How long a node that was killed keeps what it had. */
export const LEASE_MS = 4000;
export const RENEW_MS = 1000;
/** Between two tries while Redis is away. */
const RECONNECT_MS = 500;

interface Closable {
  /** At once, whatever is under way. */
  close(): void;
}

/** What is asked for with a lease. */
export interface LeaseRequest {
  /** Names its holder from here on: nothing that an older one has sent is carried out any more. */
  readonly token: string;
  /** The one before; empty at first. */
  readonly before: string;
  readonly leaseMs: number;
  /** A batch that was reported as failed and is to be undone if it has come through; empty: none. */
  readonly inDoubt: string;
}

export interface LeaseRefusal {
  readonly why: string;
  /** Its holder may be dead: then its lease ends in a moment. */
  readonly mayEnd: boolean;
}

/** What a store does over its connection for the lease; `renew` and `release` reject with RedisRefusal, `OWNER …`, when it is lost. */
export interface LeasedConnectionOptions<Connection extends Closable> {
  /** For errors and the log. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  newToken(): string;
  /** @param onLost once, after it was open */
  connect(onLost: (why: Error) => void): Promise<Connection>;
  /** Resolves to why it cannot be had; undefined: it is this node's. */
  take(connection: Connection, request: LeaseRequest): Promise<LeaseRefusal | undefined>;
  renew(connection: Connection, token: string, leaseMs: number): Promise<unknown>;
  release(connection: Connection, token: string): Promise<unknown>;
  /** Redis's own word, `INFO persistence`. */
  persistence(connection: Connection): Promise<unknown>;
  /** What has to be done with each new lease; when it rejects, the connection is made anew. */
  onTaken?(): Promise<void>;
  onRenewed?(): void;
}

export class LeasedConnection<Connection extends Closable> {
  readonly #options: LeasedConnectionOptions<Connection>;
  #connection: Connection | undefined;
  /** Why there is none. */
  #away = "not connected yet";
  #token = "";
  #batches = 0;
  #inDoubt = "";
  #takenAt = 0;
  #leaseUntil = 0;
  #isConnecting = false;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: LeasedConnectionOptions<Connection>) {
    this.#options = options;
  }

  /**
   * Waits for the end of a node that was killed. Resolves to why the lease cannot be had. Throws SettingError when no
   * Redis answers.
   */
  async open(): Promise<LeaseRefusal | undefined> {
    const { clock, url } = this.#options;
    const until = clock.now() + LEASE_MS + RENEW_MS;
    for (;;) {
      const refusal = await this.#connect().catch((why: unknown) => {
        const allowed = `a Redis or Valkey that answers there (${asError(why).message})`;
        throw new SettingError("store", url, allowed);
      });
      if (refusal === undefined) break;
      if (!refusal.mayEnd || clock.now() >= until) return refusal;
      await new Promise<void>((resolve) => void clock.after(RECONNECT_MS, resolve));
    }
    await this.#warnIfVolatile();
    return undefined;
  }

  /** When the lease was taken; ms of the clock. */
  get takenAt(): number {
    return this.#takenAt;
  }

  /** Whether the lease may have ended without a word: this process was asleep. */
  get isDoubtful(): boolean {
    return this.#connection !== undefined && this.#options.clock.now() >= this.#leaseUntil;
  }

  /** Rejects when Redis is away. */
  run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    return connection === undefined ? Promise.reject(this.#isAway()) : work(connection);
  }

  /** As the lease's holder; one that has lost it begins anew. */
  asHolder<T>(work: (connection: Connection, token: string) => Promise<T>): Promise<T> {
    return this.run(async (connection) => {
      try {
        return await work(connection, this.#token);
      } catch (problem) {
        if (problem instanceof RedisRefusal && problem.message.startsWith("OWNER "))
          this.#lose(problem, connection);
        throw problem;
      }
    });
  }

  /** As the lease's holder; rejects only when nothing of the batch stands, also later. @param work is told its name */
  async write<T>(
    work: (connection: Connection, token: string, batch: string) => Promise<T>,
  ): Promise<T> {
    this.#batches += 1;
    const batch = `${this.#token} ${this.#batches}`;
    if (this.#connection === undefined) throw this.#isAway();
    try {
      return await this.asHolder((connection, token) => work(connection, token, batch));
    } catch (problem) {
      if (problem instanceof RedisRefusal) throw problem;
      // It may have come through: then it is undone before anything else is written.
      this.#inDoubt = batch;
      this.#lose(asError(problem));
      throw this.#isAway();
    }
  }

  async renew(): Promise<void> {
    const { clock, renew } = this.#options;
    const sentAt = clock.now();
    await this.run(async (connection) => {
      try {
        await renew(connection, this.#token, LEASE_MS);
      } catch (problem) {
        this.#lose(asError(problem), connection);
        throw problem;
      }
    });
    this.#leaseUntil = Math.max(this.#leaseUntil, sentAt + LEASE_MS);
  }

  /** Gives the lease back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.asHolder(this.#options.release).catch(() => undefined);
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #connect(): Promise<LeaseRefusal | undefined> {
    this.#isConnecting = true;
    try {
      return await this.#take();
    } finally {
      this.#isConnecting = false;
    }
  }

  async #take(): Promise<LeaseRefusal | undefined> {
    const { clock, newToken, connect, take, onTaken } = this.#options;
    const line: { connection?: Connection; lost?: Error } = {};
    const connection = await connect((why) => {
      line.lost = why;
      if (line.connection !== undefined) this.#lose(why, line.connection);
    });
    line.connection = connection;
    const token = newToken();
    const request = { token, before: this.#token, leaseMs: LEASE_MS, inDoubt: this.#inDoubt };
    const sentAt = clock.now();
    try {
      const refusal = await take(connection, request);
      if (refusal !== undefined) {
        connection.close();
        return refusal;
      }
      if (this.#isClosed) throw new Error("closed meanwhile");
      this.#connection = connection;
      this.#token = token;
      this.#inDoubt = "";
      this.#takenAt = clock.now();
      await onTaken?.();
      if (line.lost !== undefined || this.#connection !== connection)
        throw line.lost ?? new Error(this.#away);
    } catch (problem) {
      if (this.#connection === connection) this.#connection = undefined;
      connection.close();
      throw problem;
    }
    this.#leaseUntil = sentAt + LEASE_MS;
    this.#renewLater();
    return undefined;
  }

  #renewLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(RENEW_MS, () => {
      this.renew().then(
        () => {
          this.#options.onRenewed?.();
          if (!this.#isClosed && this.#connection !== undefined) this.#renewLater();
        },
        () => undefined,
      );
    });
  }

  /** Tries until it is back. A connection that was lost before is none any more. */
  #lose(why: Error, connection = this.#connection): void {
    if (this.#isClosed || connection === undefined || this.#connection !== connection) return;
    connection.close();
    this.#connection = undefined;
    this.#timer?.cancel();
    this.#away = why.message;
    // Whoever is making it tries again.
    if (!this.#isConnecting) this.#again(why.message);
  }

  #again(why: string): void {
    this.#away = why;
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(RECONNECT_MS, () => {
      this.#connect().then(
        (refusal) => {
          if (refusal !== undefined) this.#again(refusal.why);
        },
        (problem: unknown) => this.#again(asError(problem).message),
      );
    });
  }

  /** Without its append-only file a Redis forgets what it has confirmed. */
  async #warnIfVolatile(): Promise<void> {
    const { log, url, persistence } = this.#options;
    const info = await this.run(persistence).catch(() => "");
    if (/^aof_enabled:0/m.test(String(info)))
      log.warn("store.volatile", { store: url, missing: "appendonly yes" });
  }

  #isAway(): Error {
    return new Error(`${this.#options.url} is away: ${this.#away}`);
  }
}
