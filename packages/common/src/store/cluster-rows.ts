// The store of a node among others that share its rows: claims of groups, commits that only an owner makes.
import type { Clock, NextTurn } from "../platform/clock.ts";
import { SettingError } from "../platform/config/error.ts";
import type { Logger } from "../platform/logger.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import { asError } from "../platform/thrown.ts";
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
import { GroupRequests } from "./group-requests.ts";
import { LEASE_MS, LeasedConnection, type LeaseRefusal, RENEW_MS } from "./leased-connection.ts";
import { type RowChange, type RowsById, readRow, type TableFormats } from "./rows.ts";

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

class ClusterRows<Rows> implements SharedRows<Rows> {
  readonly node: string;
  readonly #options: ClusterRowsOptions<Rows>;
  readonly #group: GroupCommit<Rows>;
  /** The fence of each group that is ours. */
  readonly #held = new Map<string, string>();
  readonly #leased: LeasedConnection<ClusterConnection>;
  readonly #requests: GroupRequests;
  #listener: SharedRowsListener<Rows> | undefined;
  #isSweeping = false;

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
    this.#leased = this.#leasedConnection();
    this.#requests = new GroupRequests(this.node, clock, async (node, text) =>
      Number(await this.#run("tell", node, text)),
    );
  }

  #leasedConnection(): LeasedConnection<ClusterConnection> {
    const { url, clock, log, random, connect, name, address, tables } = this.#options;
    const run = (
      connection: ClusterConnection,
      script: ClusterScript,
      ...args: readonly string[]
    ): Promise<unknown> => connection.run(script, [this.node, ...args]);
    return new LeasedConnection({
      url,
      clock,
      log,
      newToken: () => random.hex(8),
      connect: (onLost) => connect(this.node, { onLost, onMessage: (text) => this.#heard(text) }),
      take: async (connection, { token, leaseMs, inDoubt }) => {
        const args = [token, String(leaseMs), name, address, inDoubt, ...Object.keys(tables)];
        return refusalOf((await run(connection, "join", ...args)) as readonly string[]);
      },
      renew: (connection, token, leaseMs) => run(connection, "renew", token, String(leaseMs)),
      release: (connection, token) => run(connection, "leave", token),
      persistence: (connection) => run(connection, "persistence"),
      onTaken: () => this.#reconcile(),
      onRenewed: () => this.#sweepLater(),
    });
  }

  async open(): Promise<void> {
    const refusal = await this.#leased.open();
    if (refusal !== undefined)
      throw this.#refused(
        `rows of the cluster ${this.#options.name}, or none: ${refusal.why}; give this cluster another database number`,
      );
  }

  attach(listener: SharedRowsListener<Rows>): void {
    this.#listener = listener;
  }

  isHeld(group: string): boolean {
    return this.#held.has(group);
  }

  get isDoubtful(): boolean {
    return this.#leased.isDoubtful;
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
          this.#read(contents, table, rows[at] ?? "", rows[at + 1] ?? "");
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
    if (this.#leased.isDoubtful) await this.#leased.renew();
    await this.#leased.run(() => Promise.resolve());
  }

  async obtain(groups: readonly string[]): Promise<readonly TakenGroup<Rows>[]> {
    const taken: TakenGroup<Rows>[] = [];
    let wanted = groups
      .filter((group) => !this.#held.has(group))
      .map((group): [string, string] => [group, ""]);
    try {
      // Whoever has it may give it to somebody else first.
      for (let round = 0; round < MOST_ROUNDS && wanted.length > 0; round++) {
        const isGiven = round === 0 ? () => false : await this.#requests.ask(wanted);
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
    const isThere = await this.#asHolder("give", to, group, fence);
    return isThere === 0 ? this.obtain([group]) : [];
  }

  async close(): Promise<void> {
    await this.#group.idle();
    await this.#leased.close();
  }

  /** @param wanted each with the owner that it is taken from though alive, or nothing */
  async #claim(
    wanted: readonly (readonly [string, string])[],
    nameIt: (was: Provenance, group: string) => Provenance = (was) => was,
  ): Promise<{ taken: TakenGroup<Rows>[]; elsewhere: [string, string][] }> {
    const taken: TakenGroup<Rows>[] = [];
    const elsewhere: [string, string][] = [];
    if (wanted.length === 0) return { taken, elsewhere };
    const found = (await this.#asHolder("take", ...wanted.flat())) as Found;
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
      this.#read(contents, field.slice(0, end) as keyof Rows & string, field.slice(end + 1), text);
    }
    this.#held.set(group, fence);
    return { group, was, rows: contents };
  }

  #read<T extends keyof Rows & string>(
    contents: RowsToFill<Rows>,
    table: T,
    id: string,
    text: string,
  ): void {
    const row = readRow(this.#options.tables, table, id, text, (row) =>
      this.#refused(`rows that can be read: there is another, ${row}`),
    );
    contents[table].set(id, row);
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
        this.#requests.given(message.groups);
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
    const args: string[] = [];
    let commit = 0;
    for (const [row, tag] of tags.entries()) {
      while (row >= (ends[commit] ?? 0)) commit += 1;
      const [fence = "", ...group] = tag.split(" ");
      const [table, id, text] = [rows[3 * row], rows[3 * row + 1], rows[3 * row + 2] ?? null];
      args.push(String(commit), group.join(" "), fence, table ?? "", id ?? "");
      args.push(text === null ? "0" : "1", text ?? "");
    }
    let answer: [readonly string[], readonly string[]];
    try {
      answer = (await this.#leased.write((connection, token, batch) =>
        connection.run("write", [this.node, token, batch, ...args]),
      )) as typeof answer;
    } catch (problem) {
      done(asError(problem));
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

  /** After an outage of Redis all leases have ended: the others get the time to come back. */
  #sweepLater(): void {
    const { clock } = this.#options;
    const isServed = this.#listener !== undefined && !this.#isSweeping;
    if (!isServed || clock.now() < this.#leased.takenAt + LEASE_MS - RENEW_MS) return;
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
      const found = (await this.#asHolder("sweep", String(SWEPT_AT_ONCE))) as Found;
      const taken = found.map(([group, fence, was, rows]) =>
        this.#hold(group, fence, was as Provenance, rows),
      );
      if (taken.length > 0) this.#listener?.gained(taken);
      if (found.length < SWEPT_AT_ONCE) return;
      await new Promise<void>((resolve) => void clock.after(SWEEP_PAUSE_MS, resolve));
    }
  }

  #run(script: ClusterScript, ...args: readonly string[]): Promise<unknown> {
    return this.#leased.run((connection) => connection.run(script, [this.node, ...args]));
  }

  #asHolder(script: ClusterScript, ...args: readonly string[]): Promise<unknown> {
    return this.#leased.asHolder((connection, token) =>
      connection.run(script, [this.node, token, ...args]),
    );
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

/** Of what `join` answers: a word and a name, or nothing. */
function refusalOf([kind, whose = ""]: readonly string[]): LeaseRefusal | undefined {
  if (kind === undefined) return undefined;
  // A node alone that was killed has it a moment longer.
  return { why: WHOSE[kind]?.(printable(whose)) ?? "", mayEnd: kind === "owner" };
}

type RowsToFill<Rows> = { readonly [T in keyof Rows]: Map<string, Rows[T]> };

/** To be filled with rows that are read at once: a group whose row cannot be read is not taken. */
function emptyTables<Rows>(tables: TableFormats<Rows>): RowsToFill<Rows> {
  const empty = Object.keys(tables).map((name) => [name, new Map<string, never>()] as const);
  return Object.fromEntries(empty) as unknown as RowsToFill<Rows>;
}

function lostRows(whose: string): RowsLost {
  return new RowsLost(`another node of the cluster has ${printable(whose)} now`);
}
