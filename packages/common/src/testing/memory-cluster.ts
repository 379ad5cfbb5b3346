// The rows of a cluster in memory: what `cluster-scripts` do in a Redis, for tests under a clock that they move. Contract: scscf test/contract/shared-rows.
import type { Clock } from "../platform/clock.ts";
import type {
  ClusterConnection,
  ConnectCluster,
  ConnectionEvents,
} from "../store/cluster-connection.ts";
import type { ClusterScript } from "../store/cluster-scripts.ts";
import { RedisRefusal } from "../store/redis-connection.ts";

const LATENCY_MS = 1;

/** Of one node, to be cut by a test. */
export interface ClusterLine {
  isCut: boolean;
}

interface Lease {
  readonly token: string;
  until: number;
}

interface Batch {
  readonly name: string;
  readonly undo: readonly (() => void)[];
}

type Step = (node: string, args: readonly string[]) => unknown;

export class MemoryCluster implements Readonly<Record<ClusterScript, Step>> {
  readonly #clock: Clock;
  #name: string | undefined;
  readonly #nodes = new Map<string, string>();
  readonly #leases = new Map<string, Lease>();
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, Set<string>>();
  readonly #groups = new Map<string, Map<string, string>>();
  readonly #common = new Map<string, Map<string, string>>();
  readonly #last = new Map<string, Batch>();
  readonly #channels = new Map<string, Set<(text: string) => void>>();
  readonly #lost = new Set<(why: Error) => void>();
  #claims = 0;
  #isAway = false;
  /** Steps whose answer gets lost on its way. */
  #unanswered: ClusterScript | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Without it all connections end, and none can be made. */
  set isAway(isAway: boolean) {
    this.#isAway = isAway;
    if (isAway) for (const lost of [...this.#lost]) lost(new Error("Redis is away"));
  }

  /** The answer to the next such step gets lost, and its connection with it. */
  loseAnswerTo(script: ClusterScript): void {
    this.#unanswered = script;
  }

  /** Node and fence of a group. */
  ownerOf(group: string): string | undefined {
    return this.#owners.get(group);
  }

  /** As Redis has it, `table id` each. */
  rowsOf(group: string): ReadonlyMap<string, string> {
    return this.#groups.get(group) ?? new Map();
  }

  /** @param clock of the node: what stands still while it sleeps */
  connect(clock: Clock, line: ClusterLine = { isCut: false }): ConnectCluster {
    return async (node, events) => {
      await later(clock);
      if (line.isCut || this.#isAway) throw new Error("no way to Redis");
      return this.#connection(node, events, clock, line);
    };
  }

  #connection(
    node: string,
    events: ConnectionEvents,
    clock: Clock,
    line: ClusterLine,
  ): ClusterConnection {
    let isClosed = false;
    const hear = (text: string): void => {
      clock.after(LATENCY_MS, () => {
        if (!isClosed && !line.isCut) events.onMessage(text);
      });
    };
    const close = (): void => {
      isClosed = true;
      this.#lost.delete(lost);
      for (const heard of this.#channels.values()) heard.delete(hear);
    };
    const lost = (why: Error): void => {
      if (isClosed) return;
      close();
      events.onLost(why);
    };
    this.#lost.add(lost);
    for (const channel of [`to:${node}`, "all"]) this.#channel(channel).add(hear);
    return {
      close,
      run: async (script, args) => {
        const away = new Error("no way to Redis");
        if (isClosed || line.isCut || this.#isAway) {
          await later(clock);
          lost(away);
          throw away;
        }
        let result: unknown;
        let refused: unknown;
        try {
          result = this[script](args[0] ?? "", args.slice(1));
        } catch (problem) {
          refused = problem;
        }
        await later(clock);
        if (this.#unanswered === script) {
          this.#unanswered = undefined;
          lost(away);
        }
        if (isClosed || line.isCut) {
          lost(away);
          throw away;
        }
        if (refused !== undefined) throw refused;
        return result;
      },
    };
  }

  #channel(name: string): Set<(text: string) => void> {
    const known = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, known);
    return known;
  }

  #publish(channel: string, message: object): number {
    const heard = this.#channel(channel);
    for (const hear of heard) hear(JSON.stringify(message));
    return heard.size;
  }

  #isAlive(node: string): boolean {
    return (this.#leases.get(node)?.until ?? 0) > this.#clock.now();
  }

  #check(node: string, token: string | undefined): void {
    if (!this.#isAlive(node) || this.#leases.get(node)?.token !== token)
      throw new RedisRefusal("OWNER this node has lost its lease");
  }

  #heldBy(node: string): Set<string> {
    const known = this.#held.get(node) ?? new Set();
    this.#held.set(node, known);
    return known;
  }

  #move(group: string, to: string): string {
    this.#claims += 1;
    const before = this.#owners.get(group);
    if (before !== undefined) this.#heldBy(nodeIn(before)).delete(group);
    this.#owners.set(group, `${to} ${this.#claims}`);
    this.#heldBy(to).add(group);
    return String(this.#claims);
  }

  #claim(node: string, group: string, was: string): unknown {
    const fence = this.#move(group, node);
    return [group, fence, was, [...this.rowsOf(group)].flat()];
  }

  readonly join: Step = (node, [token = "", lease, name = "", address = "", inDoubt]) => {
    if (this.#name !== undefined && this.#name !== name) return ["cluster", this.#name];
    this.#name = name;
    this.#leases.set(node, { token, until: this.#clock.now() + Number(lease) });
    this.#nodes.set(node, address);
    const last = this.#last.get(node);
    if (last !== undefined && last.name === inDoubt) {
      for (const undo of [...last.undo].reverse()) undo();
      this.#last.delete(node);
    }
    return [];
  };

  readonly renew: Step = (node, [token, lease]) => {
    this.#check(node, token);
    const held = this.#leases.get(node);
    if (held !== undefined) held.until = this.#clock.now() + Number(lease);
    return "OK";
  };

  readonly write: Step = (node, [token, batch = "", ...rows]) => {
    this.#check(node, token);
    const lost: string[] = [];
    const refused = new Set<string>();
    const written = inSevens(rows);
    for (const [commit, group, fence] of written) {
      if (group === "" || this.#owners.get(group) === `${node} ${fence}`) continue;
      lost.push(group, fence);
      refused.add(commit);
    }
    const undo: (() => void)[] = [];
    const news = new Map<string, string[]>();
    for (const row of written) {
      if (refused.has(row[0])) continue;
      undo.push(this.#put(node, row));
      const [, group, , table, id] = row;
      if (group === "") news.set(table, [...(news.get(table) ?? []), id]);
    }
    this.#last.set(node, { name: batch, undo });
    for (const [table, ids] of news)
      this.#publish("all", { kind: "changed", by: node, table, ids });
    return [lost, [...refused]];
  };

  /** Returns how to undo it. */
  #put(node: string, [, group, , table, id, op, text]: Row): () => void {
    const isCommon = group === "";
    const into = isCommon ? mapIn(this.#common, table) : mapIn(this.#groups, group);
    const field = isCommon ? id : `${table} ${id}`;
    const before = into.get(field);
    const owner = this.#owners.get(group);
    if (op === "1") into.set(field, text);
    else into.delete(field);
    return () => {
      if (this.#owners.get(group) !== owner) return;
      if (before === undefined) into.delete(field);
      else into.set(field, before);
      if (isCommon) this.#publish("all", { kind: "changed", by: node, table, ids: [id] });
    };
  }

  readonly take: Step = (node, [token, ...wanted]) => {
    this.#check(node, token);
    const found: unknown[] = [];
    for (let at = 0; at < wanted.length; at += 2) {
      const group = wanted[at] ?? "";
      const owner = this.#owners.get(group);
      const before = owner === undefined ? undefined : nodeIn(owner);
      if (before === undefined) found.push(this.#claim(node, group, "free"));
      else if (before === node) found.push(this.#claim(node, group, "own"));
      else if (!this.#isAlive(before)) found.push(this.#claim(node, group, "dead"));
      else if (owner === wanted[at + 1]) found.push(this.#claim(node, group, "forced"));
      else found.push([group, owner, "elsewhere", []]);
    }
    return found;
  };

  readonly give: Step = (node, [token, to = "", group = "", fence]) => {
    this.#check(node, token);
    if (this.#owners.get(group) !== `${node} ${fence}`) return 1;
    if (!this.#nodes.has(to)) return 0;
    this.#move(group, to);
    this.#publish(`to:${to}`, { kind: "given", groups: [group] });
    return 1;
  };

  readonly sweep: Step = (node, [token, most]) => {
    this.#check(node, token);
    const found: unknown[] = [];
    for (const dead of [...this.#nodes.keys()]) {
      if (dead === node || this.#isAlive(dead)) continue;
      for (const group of [...this.#heldBy(dead)].slice(0, Number(most) - found.length))
        found.push(this.#claim(node, group, "dead"));
      if (this.#heldBy(dead).size === 0) this.#forget(dead);
      if (found.length >= Number(most)) break;
    }
    return found;
  };

  readonly leave: Step = (node, [token]) => {
    this.#check(node, token);
    this.#leases.delete(node);
    if (this.#heldBy(node).size === 0) this.#forget(node);
    this.#publish("all", { kind: "left", by: node });
    return "OK";
  };

  readonly held: Step = (node) => [...this.#heldBy(node)];

  readonly tell: Step = (_node, [to, text = "{}"]) =>
    this.#publish(`to:${to}`, JSON.parse(text) as object);

  readonly scan: Step = (_node, [table = ""]) => ["0", [...mapIn(this.#common, table)].flat()];

  readonly read: Step = (_node, [table = "", id = ""]) =>
    mapIn(this.#common, table).get(id) ?? null;

  readonly persistence: Step = () => "aof_enabled:1";

  readonly nodes: Step = () =>
    [...this.#nodes].map(([name, address]) => [
      name,
      address,
      this.#isAlive(name) ? (this.#leases.get(name)?.until ?? 0) - this.#clock.now() : -2,
      this.#heldBy(name).size,
    ]);

  #forget(node: string): void {
    this.#nodes.delete(node);
    this.#last.delete(node);
  }
}

function later(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(LATENCY_MS, resolve));
}

function nodeIn(owner: string): string {
  return owner.split(" ")[0] ?? "";
}

function mapIn(maps: Map<string, Map<string, string>>, name: string): Map<string, string> {
  const known = maps.get(name) ?? new Map<string, string>();
  maps.set(name, known);
  return known;
}

type Row = readonly [
  commit: string,
  group: string,
  fence: string,
  table: string,
  id: string,
  op: string,
  text: string,
];

function inSevens(rows: readonly string[]): Row[] {
  const found: Row[] = [];
  for (let at = 0; at < rows.length; at += 7) found.push(rows.slice(at, at + 7) as unknown as Row);
  return found;
}
