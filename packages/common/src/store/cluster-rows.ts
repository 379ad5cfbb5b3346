// The store of a node among others that share its rows: leases, claims and hand-over of groups, commits that only an owner makes.
import type { Clock, NextTurn, Timer } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import type { Logger } from "../platform/logger.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import type { ClusterConnection, ConnectCluster } from "./cluster-connection.ts";
import {
  type ClusterNode,
  type Provenance,
  RowsLost,
  type SharedRows,
  type SharedRowsListener,
  type TakenGroup,
} from "./cluster-port.ts";
import type { ClusterScript } from "./cluster-scripts.ts";
import { type BatchParts, type FlatRows, GroupCommit, type WriteDone } from "./group-commit.ts";
import { RedisRefusal } from "./redis-connection.ts";
import type { RowChange, RowsById, TableFormats } from "./rows.ts";

/** Which tables all nodes have, and of the others whose a row is. */
export interface SharedTables<Rows> {
  readonly common: readonly (keyof Rows & string)[];
  /** Undefined: of a common table. Throws for a row that nobody can be told the owner of. */
  groupOf(change: RowChange<Rows>): string | undefined;
}

export interface ClusterRowsOptions<Rows> {
  /** Of the cluster. */
  readonly name: string;
  /** This node for people, without spaces. */
  readonly label: string;
  readonly address: string;
  /** For errors and the log. */
  readonly url: string;
  readonly connect: ConnectCluster;
  readonly tables: TableFormats<Rows>;
  readonly shared: SharedTables<Rows>;
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  readonly random: Random;
  readonly log: Logger;
}

const SPACING_MS = 10;
/** How long a node that was killed keeps what it had. */
export const LEASE_MS = 4000;
const RENEW_MS = 1000;
/** Between two tries while Redis is away. */
const RECONNECT_MS = 500;
/** An owner that lives and does not answer in this time is not waited for. */
const HANDOVER_MS = 500;
/** Times that an owner is asked for a group. */
const MOST_ROUNDS = 4;
/** Groups of dead nodes that are taken in one step; the others have theirs meanwhile. */
const SWEPT_AT_ONCE = 100;
const SWEEP_PAUSE_MS = 10;

/** Resolves when this node is one of the cluster. Throws SettingError when it cannot be. */
export async function openClusterRows<Rows>(
  options: ClusterRowsOptions<Rows>,
): Promise<SharedRows<Rows>> {
  const store = new ClusterRows(options);
  await store.open();
  return store;
}

interface Wanted {
  readonly groups: Set<string>;
  given(): void;
}

class ClusterRows<Rows> implements SharedRows<Rows> {
  readonly node: string;
  readonly #options: ClusterRowsOptions<Rows>;
  readonly #group: GroupCommit<Rows>;
  /** The fence of each group that is ours. */
  readonly #held = new Map<string, string>();
  readonly #waiting = new Set<Wanted>();
  #listener: SharedRowsListener<Rows> | undefined;
  #connection: ClusterConnection | undefined;
  #away = "not connected yet";
  #token = "";
  #written = 0;
  #inDoubt = "";
  #connectedAt = 0;
  #leaseUntil = 0;
  #isSweeping = false;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: ClusterRowsOptions<Rows>) {
    const { tables, clock, nextTurn, label, random, shared } = options;
    this.#options = options;
    this.node = `${label}/${random.hex(4)}`;
    this.#group = new GroupCommit({
      tables,
      clock,
      nextTurn,
      spacingMs: SPACING_MS,
      tagOf: (change) => {
        const group = shared.groupOf(change);
        return group === undefined ? "" : `${this.#held.get(group) ?? "0"} ${group}`;
      },
      write: (rows, done, parts) => void this.#write(rows, parts, done),
    });
  }

  async open(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + LEASE_MS + RENEW_MS;
    for (;;) {
      const refused = await this.#connect().catch((why: unknown) => {
        throw this.#refused(`a Redis or Valkey that answers there (${asError(why).message})`);
      });
      if (refused === undefined) break;
      const [kind, whose = ""] = refused;
      // A node alone that was killed has it a moment longer.
      if (kind === "owner" && clock.now() < until) {
        await new Promise<void>((resolve) => void clock.after(RECONNECT_MS, resolve));
        continue;
      }
      throw this.#refused(
        `rows of the cluster ${this.#options.name}, or none: ${WHOSE[kind ?? ""]?.(printable(whose)) ?? ""}; give this cluster another database number`,
      );
    }
    await this.#warnIfVolatile();
  }

  attach(listener: SharedRowsListener<Rows>): void {
    this.#listener = listener;
  }

  isHeld(group: string): boolean {
    return this.#held.has(group);
  }

  get isDoubtful(): boolean {
    return this.#connection !== undefined && this.#options.clock.now() >= this.#leaseUntil;
  }

  commit(changes: readonly RowChange<Rows>[], done: (problem?: Error) => void): void {
    const { groupOf } = this.#options.shared;
    for (const change of changes) {
      const group = groupOf(change);
      if (group === undefined || this.#held.has(group)) continue;
      done(lostRows(group));
      return;
    }
    this.#group.commit(changes, done);
  }

  /** The rows that all nodes have; the others come with their groups. */
  async load(): Promise<RowsById<Rows>> {
    const { tables, shared } = this.#options;
    await this.#group.idle();
    const contents = emptyTables(tables);
    for (const table of shared.common) {
      for (let cursor = "0"; ; ) {
        const [next, rows] = (await this.#run("scan", table, cursor)) as [string, string[]];
        for (let at = 0; at < rows.length; at += 2)
          this.#take(contents, table, rows[at] ?? "", rows[at + 1] ?? "");
        cursor = next;
        if (cursor === "0") break;
      }
    }
    return contents;
  }

  async read<T extends keyof Rows & string>(table: T, id: string): Promise<Rows[T] | undefined> {
    const text = (await this.#run("read", table, id)) as string | null;
    return text === null ? undefined : this.#options.tables[table].read(text, id);
  }

  async nodes(): Promise<readonly ClusterNode[]> {
    const found = (await this.#run("nodes")) as readonly [string, string, number, number][];
    return found.map(([name, address, leaseMs, groups]) => ({
      name,
      address,
      leaseMs: Math.max(0, leaseMs),
      groups,
    }));
  }

  async confirm(): Promise<void> {
    if (this.isDoubtful) await this.#renew();
    if (this.#connection === undefined) throw this.#isAway();
  }

  async obtain(groups: readonly string[]): Promise<readonly TakenGroup<Rows>[]> {
    const taken: TakenGroup<Rows>[] = [];
    let wanted = groups
      .filter((group) => !this.#held.has(group))
      .map((group): [string, string] => [group, ""]);
    try {
      // Whoever has it may give it to somebody else first.
      for (let round = 0; round < MOST_ROUNDS && wanted.length > 0; round++) {
        const isGiven = round === 0 ? () => false : await this.#askFor(wanted);
        const found = await this.#claim(wanted, (was, group) =>
          was === "own" && isGiven(group) ? "given" : was,
        );
        taken.push(...found.taken);
        wanted = found.elsewhere;
      }
      return taken;
    } catch (problem) {
      // Nobody here hears of them: the next connection finds them again.
      for (const { group } of taken) this.#held.delete(group);
      throw problem;
    }
  }

  async give(group: string, to: string): Promise<readonly TakenGroup<Rows>[]> {
    const fence = this.#held.get(group);
    if (fence === undefined) return [];
    this.#held.delete(group);
    const isThere = await this.#checked("give", to, group, fence);
    return isThere === 0 ? this.obtain([group]) : [];
  }

  async close(): Promise<void> {
    await this.#group.idle();
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#checked("leave").catch(() => undefined);
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** @param wanted each with the owner that it is taken from though alive, or nothing */
  async #claim(
    wanted: readonly (readonly [string, string])[],
    nameIt: (was: Provenance, group: string) => Provenance = (was) => was,
  ): Promise<{ taken: TakenGroup<Rows>[]; elsewhere: [string, string][] }> {
    const taken: TakenGroup<Rows>[] = [];
    const elsewhere: [string, string][] = [];
    if (wanted.length === 0) return { taken, elsewhere };
    const found = (await this.#checked("take", ...wanted.flat())) as Found;
    for (const [group, fence, was, rows] of found)
      if (was === "elsewhere") elsewhere.push([group, fence]);
      else taken.push(this.#hold(group, fence, nameIt(was, group), rows));
    return { taken, elsewhere };
  }

  #hold(group: string, fence: string, was: Provenance, rows: readonly string[]): TakenGroup<Rows> {
    const contents = emptyTables(this.#options.tables);
    for (let at = 0; at < rows.length; at += 2) {
      const [field = "", text = ""] = rows.slice(at, at + 2);
      const end = field.indexOf(" ");
      this.#take(contents, field.slice(0, end) as keyof Rows & string, field.slice(end + 1), text);
    }
    this.#held.set(group, fence);
    return { group, was, rows: contents };
  }

  #take<T extends keyof Rows & string>(
    contents: { readonly [K in keyof Rows]: Map<string, Rows[K]> },
    table: T,
    id: string,
    text: string,
  ): void {
    try {
      contents[table].set(id, this.#options.tables[table].read(text, id));
    } catch (problem) {
      const row = `${table} ${printable(id)} (${asError(problem).message})`;
      throw this.#refused(`rows that can be read: there is another, ${row}`);
    }
  }

  /** Resolves when all have been given, or nobody answers in time. */
  async #askFor(
    elsewhere: readonly (readonly [string, string])[],
  ): Promise<(group: string) => boolean> {
    const { clock } = this.#options;
    const byOwner = new Map<string, string[]>();
    for (const [group, owner] of elsewhere) {
      const [node = ""] = owner.split(" ");
      byOwner.set(node, [...(byOwner.get(node) ?? []), group]);
    }
    const left = new Set(elsewhere.map(([group]) => group));
    let wanted: Wanted | undefined;
    const answered = new Promise<void>((resolve) => {
      wanted = { groups: left, given: resolve };
      this.#waiting.add(wanted);
    });
    const timer = new Promise<void>((resolve) => void clock.after(HANDOVER_MS, resolve));
    try {
      let hearing = 0;
      for (const [node, groups] of byOwner) {
        const text = JSON.stringify({ kind: "wanted", by: this.node, groups });
        hearing += Number(await this.#run("tell", node, text));
      }
      // A node that hears nothing is not there any more, whatever its lease says.
      if (hearing === byOwner.size) await Promise.race([answered, timer]);
    } finally {
      if (wanted !== undefined) this.#waiting.delete(wanted);
    }
    return (group) => !left.has(group);
  }

  #heard(text: string): void {
    const message = JSON.parse(text) as Message<Rows>; // the nodes' own
    switch (message.kind) {
      case "wanted": {
        const held = message.groups.filter((group) => this.#held.has(group));
        if (held.length > 0) this.#listener?.wanted(held, message.by);
        break;
      }
      case "given":
        for (const wanted of this.#waiting) given(wanted, message.groups);
        break;
      case "changed":
        if (message.by !== this.node) this.#listener?.changed(message.table, message.ids);
        break;
      case "left":
        this.#sweepLater();
        break;
    }
  }

  async #write(rows: FlatRows, { tags, ends }: BatchParts, done: WriteDone): Promise<void> {
    this.#written += 1;
    const batch = `${this.#token} ${this.#written}`;
    const args: string[] = [batch];
    let commit = 0;
    for (const [row, tag] of tags.entries()) {
      while (row >= (ends[commit] ?? 0)) commit += 1;
      const [fence = "", ...group] = tag.split(" ");
      const [table, id, text] = [rows[3 * row], rows[3 * row + 1], rows[3 * row + 2] ?? null];
      args.push(String(commit), group.join(" "), fence, table ?? "", id ?? "");
      args.push(text === null ? "0" : "1", text ?? "");
    }
    if (this.#connection === undefined) {
      done(this.#isAway());
      return;
    }
    let answer: [readonly string[], readonly string[]];
    try {
      answer = (await this.#checked("write", ...args)) as typeof answer;
    } catch (problem) {
      if (!(problem instanceof RedisRefusal)) {
        // It may have come through: then it is undone before anything else is written.
        this.#inDoubt = batch;
        this.#lose(asError(problem));
        done(this.#isAway());
      } else done(problem);
      return;
    }
    const [lost, refused] = answer;
    this.#drop(lost);
    const isRefused = new Set(refused.map(Number));
    done(undefined, (at) => (isRefused.has(at) ? lostRows("a user of this commit") : undefined));
  }

  /** @param lost groups, each with the fence that it was lost with */
  #drop(lost: readonly string[]): void {
    const gone = new Set<string>();
    for (let at = 0; at < lost.length; at += 2) {
      const group = lost[at] ?? "";
      if (this.#held.get(group) !== lost[at + 1]) continue;
      this.#held.delete(group);
      gone.add(group);
    }
    if (gone.size > 0) this.#listener?.lost([...gone]);
  }

  /** Why it may not, when it may not: a word and a name. */
  async #connect(): Promise<readonly string[] | undefined> {
    const { clock, random, connect, name, address, tables } = this.#options;
    const connection = await connect(this.node, {
      onLost: (why) => this.#lose(why),
      onMessage: (text) => this.#heard(text),
    });
    const token = random.hex(8);
    const sentAt = clock.now();
    try {
      const args = [this.node, token, String(LEASE_MS), name, address, this.#inDoubt];
      const refused = await connection.run("join", [...args, ...Object.keys(tables)]);
      if ((refused as readonly string[]).length > 0) {
        connection.close();
        return refused as readonly string[];
      }
    } catch (problem) {
      connection.close();
      throw problem;
    }
    this.#connection = connection;
    this.#token = token;
    this.#inDoubt = "";
    this.#connectedAt = clock.now();
    try {
      await this.#reconcile();
    } catch (problem) {
      this.#connection = undefined;
      connection.close();
      throw problem;
    }
    this.#leaseUntil = sentAt + LEASE_MS;
    this.#renewLater();
    return undefined;
  }

  /** What this node believes to hold, and what it holds. */
  async #reconcile(): Promise<void> {
    const held = new Set((await this.#run("held")) as readonly string[]);
    this.#drop([...this.#held].filter(([group]) => !held.has(group)).flat());
    const more = [...held].filter((group) => !this.#held.has(group));
    for (let at = 0; at < more.length; at += SWEPT_AT_ONCE) {
      const wanted = more.slice(at, at + SWEPT_AT_ONCE).map((group) => [group, ""] as const);
      const { taken } = await this.#claim(wanted);
      this.#listener?.gained(taken);
    }
    for (const table of this.#options.shared.common) this.#listener?.changed(table, undefined);
  }

  #renewLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(RENEW_MS, () => {
      this.#renew().then(
        () => {
          this.#sweepLater();
          if (!this.#isClosed && this.#connection !== undefined) this.#renewLater();
        },
        () => undefined,
      );
    });
  }

  async #renew(): Promise<void> {
    const sentAt = this.#options.clock.now();
    try {
      await this.#checked("renew", String(LEASE_MS));
      this.#leaseUntil = Math.max(this.#leaseUntil, sentAt + LEASE_MS);
    } catch (problem) {
      this.#lose(asError(problem));
      throw problem;
    }
  }

  /** After an outage of Redis all leases have ended: the others get the time to come back. */
  #sweepLater(): void {
    const { clock } = this.#options;
    const isServed = this.#listener !== undefined && !this.#isSweeping;
    if (!isServed || clock.now() < this.#connectedAt + LEASE_MS - RENEW_MS) return;
    this.#isSweeping = true;
    void this.#sweep()
      .catch(() => undefined)
      .finally(() => {
        this.#isSweeping = false;
      });
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const found = (await this.#checked("sweep", String(SWEPT_AT_ONCE))) as Found;
      const taken = found.map(([group, fence, was, rows]) =>
        this.#hold(group, fence, was as Provenance, rows),
      );
      if (taken.length > 0) this.#listener?.gained(taken);
      if (found.length < SWEPT_AT_ONCE) return;
      await new Promise<void>((resolve) => void clock.after(SWEEP_PAUSE_MS, resolve));
    }
  }

  /** Tries until it is back. */
  #lose(why: Error): void {
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
        (refused) => {
          if (refused !== undefined) this.#again(`refused: ${printable(refused.join(" "))}`);
        },
        (problem: unknown) => this.#again(asError(problem).message),
      );
    });
  }

  #run(script: ClusterScript, ...args: readonly string[]): Promise<unknown> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.reject(this.#isAway());
    return connection.run(script, [this.node, ...args]);
  }

  /** As the node's own connection; one that has lost its lease begins anew. */
  async #checked(script: ClusterScript, ...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#run(script, this.#token, ...args);
    } catch (problem) {
      if (problem instanceof RedisRefusal && problem.message.startsWith("OWNER "))
        this.#lose(problem);
      throw problem;
    }
  }

  /** Without its append-only file a Redis forgets what it has confirmed. */
  async #warnIfVolatile(): Promise<void> {
    const info = await this.#run("persistence").catch(() => "");
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

type Found = readonly (readonly [
  group: string,
  fence: string,
  was: Provenance | "elsewhere",
  rows: readonly string[],
])[];

type Message<Rows> =
  | { readonly kind: "wanted"; readonly by: string; readonly groups: readonly string[] }
  | { readonly kind: "given"; readonly groups: readonly string[] }
  | {
      readonly kind: "changed";
      readonly by: string;
      readonly table: keyof Rows & string;
      readonly ids: readonly string[];
    }
  | { readonly kind: "left"; readonly by: string };

const WHOSE: Readonly<Record<string, (whose: string) => string>> = {
  owner: (whose) => `${whose}, a node without a cluster, has others there`,
  rows: () => "there are those of a node without a cluster",
  cluster: (whose) => `there are those of the cluster ${whose}`,
};

function given(wanted: Wanted, groups: readonly string[]): void {
  for (const group of groups) wanted.groups.delete(group);
  if (wanted.groups.size === 0) wanted.given();
}

/** To be filled with rows that are read at once: a group whose row cannot be read is not taken. */
function emptyTables<Rows>(tables: TableFormats<Rows>): {
  readonly [T in keyof Rows]: Map<string, Rows[T]>;
} {
  const empty = Object.keys(tables).map((name) => [name, new Map<string, never>()] as const);
  return Object.fromEntries(empty) as unknown as {
    readonly [T in keyof Rows]: Map<string, Rows[T]>;
  };
}

function lostRows(whose: string): RowsLost {
  return new RowsLost(`another node of the cluster has ${printable(whose)} now`);
}

function asError(problem: unknown): Error {
  return problem instanceof Error ? problem : new Error(String(problem));
}
