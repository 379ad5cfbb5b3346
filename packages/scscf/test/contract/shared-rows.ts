// Contract of rows that nodes share: one owner of each group, who alone commits it, however slow or cut off the others are.
import type {
  SharedRows,
  SharedRowsListener,
  TakenGroup,
} from "@ims-lab/common/store/cluster-port";
import { RowsLost } from "@ims-lab/common/store/cluster-port";
import { afterEach, describe, expect, test } from "vitest";
import type { Change, Tables } from "../../src/rows.ts";

/** One node's way to the rows, as a test opens it. */
export interface ContractNode {
  readonly rows: SharedRows<Tables>;
  /** From here on it reaches nothing, as if it were dead; `mended` brings it back. */
  cut(): void;
  mended(): void;
}

export interface SharedRowsContract {
  readonly name: string;
  /** Forgets everything. */
  reset(): void;
  open(label: string, cluster?: string): Promise<ContractNode>;
  /** Lets this much time pass. */
  pass(milliseconds: number): Promise<void>;
  /** The answer to the next commit gets lost, and its connection with it. */
  loseNextWrite(node: ContractNode): void;
}

class Heard implements SharedRowsListener<Tables> {
  readonly gainedGroups: TakenGroup<Tables>[] = [];
  readonly lostGroups: string[] = [];
  readonly wantedGroups: string[] = [];
  readonly changes: string[] = [];
  /** How `wanted` is answered. */
  onWanted: (group: string, by: string) => void = () => undefined;
  gained(groups: readonly TakenGroup<Tables>[]): void {
    this.gainedGroups.push(...groups);
  }
  lost(groups: readonly string[]): void {
    this.lostGroups.push(...groups);
  }
  wanted(groups: readonly string[], by: string): void {
    this.wantedGroups.push(...groups);
    for (const group of groups) this.onWanted(group, by);
  }
  changed(table: keyof Tables, ids: readonly string[] | undefined): void {
    this.changes.push(`${table} ${ids?.join(",") ?? "all"}`);
  }
}

const mark = (id: string, value: number): Change => ({ table: "sqnMarks", id, value });

export function sharedRowsContract(contract: SharedRowsContract): void {
  const { pass } = contract;
  let opened: ContractNode[] = [];
  afterEach(async () => {
    for (const node of opened) {
      const closed = node.rows.close();
      await pass(50);
      await closed;
    }
    opened = [];
  });

  async function open(
    label: string,
  ): Promise<{ node: ContractNode; rows: SharedRows<Tables>; heard: Heard }> {
    const opening = contract.open(label);
    await pass(50);
    const node = await opening;
    opened.push(node);
    const heard = new Heard();
    node.rows.attach(heard);
    return { node, rows: node.rows, heard };
  }

  /** Time passes meanwhile. */
  async function done<T>(work: Promise<T>, milliseconds = 50): Promise<T> {
    const settled = work.then(
      (value) => ({ value }),
      (problem: unknown) => ({ problem }),
    );
    await pass(milliseconds);
    const ended = await settled;
    if ("problem" in ended) throw ended.problem;
    return ended.value;
  }

  const commit = (rows: SharedRows<Tables>, ...changes: Change[]): Promise<Error | undefined> =>
    done(new Promise((resolve) => rows.commit(changes, resolve)));
  const obtain = (
    rows: SharedRows<Tables>,
    ...groups: string[]
  ): Promise<readonly TakenGroup<Tables>[]> => done(rows.obtain(groups), 600);
  const marksIn = (groups: readonly TakenGroup<Tables>[]): readonly (readonly unknown[])[] =>
    groups.map(({ group, was, rows }) => [group, was, rows.sqnMarks.get(group)]);

  describe(`shared rows: ${contract.name}`, () => {
    test("a group is its owner's: its rows come with it, nobody else commits it", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      expect((await commit(a.rows, mark("u", 1)))?.message).toMatch(/another node .* has u now/);
      expect(marksIn(await obtain(a.rows, "u"))).toEqual([["u", "free", undefined]]);
      expect(await commit(a.rows, mark("u", 1))).toBeUndefined();
      expect(await commit(b.rows, mark("u", 2))).toBeInstanceOf(RowsLost);
      a.heard.onWanted = (group, by) => void a.rows.give(group, by);
      expect(marksIn(await obtain(b.rows, "u"))).toEqual([["u", "given", 1]]);
      expect([a.rows.isHeld("u"), b.rows.isHeld("u")]).toEqual([false, true]);
      expect(await commit(a.rows, mark("u", 3))).toBeInstanceOf(RowsLost);
      expect(await commit(b.rows, mark("u", 2))).toBeUndefined();
      // It is given, not lost.
      expect(a.heard.lostGroups).toEqual([]);
    });

    test("an owner that does not answer loses it; what it commits then is refused, and it hears why", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      await obtain(a.rows, "u", "v");
      await commit(a.rows, mark("u", 1));
      expect(marksIn(await obtain(b.rows, "u"))).toEqual([["u", "forced", 1]]);
      expect(a.heard.wantedGroups).toEqual(["u"]);
      expect(a.rows.isHeld("u")).toBe(true);
      // Of one batch what is still its own is taken.
      const [lost, kept] = await Promise.all([
        commit(a.rows, mark("u", 9)),
        commit(a.rows, mark("v", 5)),
      ]);
      expect(lost).toBeInstanceOf(RowsLost);
      expect(kept).toBeUndefined();
      expect(a.heard.lostGroups).toEqual(["u"]);
      expect([a.rows.isHeld("u"), a.rows.isHeld("v")]).toEqual([false, true]);
      expect(await commit(b.rows, mark("u", 2))).toBeUndefined();
    });

    test("a node that has died: each of its groups becomes one other's", async () => {
      contract.reset();
      const [a, b, c] = [await open("a"), await open("b"), await open("c")];
      const groups = Array.from({ length: 250 }, (_, n) => `u${n}`);
      await obtain(a.rows, ...groups);
      await commit(a.rows, ...groups.map((id, n) => mark(id, n)));
      a.node.cut();
      await pass(6500);
      const found = [...b.heard.gainedGroups, ...c.heard.gainedGroups];
      expect(found).toHaveLength(250);
      expect(new Set(found.map(({ group }) => group)).size).toBe(250);
      expect(found.every(({ was }) => was === "dead")).toBe(true);
      for (const { group, rows } of found)
        expect(rows.sqnMarks.get(group)).toBe(Number(group.slice(1)));
      expect(groups.every((group) => b.rows.isHeld(group) !== c.rows.isHeld(group))).toBe(true);
    });

    test("a node that was cut off and comes back has lost what others took, and keeps the rest", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      await obtain(a.rows, "u", "v");
      a.node.cut();
      expect(await commit(a.rows, mark("v", 1))).toMatchObject({
        message: expect.stringMatching(/ is away: /),
      });
      await pass(1000);
      expect(marksIn(await obtain(b.rows, "u"))[0]).toEqual(["u", "forced", undefined]);
      a.node.mended();
      await pass(1500);
      expect(a.heard.lostGroups).toEqual(["u"]);
      expect(await commit(a.rows, mark("v", 2))).toBeUndefined();
      expect(await commit(a.rows, mark("u", 2))).toBeInstanceOf(RowsLost);
    });

    test("a commit in doubt is undone before anything else", async () => {
      contract.reset();
      const a = await open("a");
      await obtain(a.rows, "u");
      await commit(a.rows, mark("u", 1));
      contract.loseNextWrite(a.node);
      expect(
        (
          await done(
            new Promise<Error | undefined>((resolve) => a.rows.commit([mark("u", 2)], resolve)),
            3000,
          )
        )?.message,
      ).toMatch(/ is away: /);
      await pass(1500);
      const b = await open("b");
      a.heard.onWanted = (group, by) => void a.rows.give(group, by);
      expect(marksIn(await obtain(b.rows, "u"))).toEqual([["u", "given", 1]]);
    });

    test("one that leaves has no lease any more: the others take what it had at once", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      await pass(4000); // nobody judges others in his own first seconds
      await obtain(a.rows, "u");
      await commit(a.rows, mark("u", 7));
      await done(a.rows.close());
      await pass(300);
      expect(marksIn(b.heard.gainedGroups)).toEqual([["u", "dead", 7]]);
      expect((await done(b.rows.nodes())).map(({ name }) => name)).toEqual([b.rows.node]);
    });

    test("rows that all nodes have: whoever changes one, the others hear of it", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      const value = { removed: true } as never;
      expect(await commit(a.rows, { table: "subscribers", id: "u", value })).toBeUndefined();
      expect([a.heard.changes, b.heard.changes]).toEqual([[], ["subscribers u"]]);
      expect(await done(b.rows.read("subscribers", "u"))).toEqual(value);
      expect((await done(b.rows.load())).subscribers.get("u")).toEqual(value);
      expect(await done(b.rows.read("subscribers", "nobody"))).toBeUndefined();
    });

    test("another cluster is refused, and named", async () => {
      contract.reset();
      await open("a");
      const other = done(contract.open("b", "other"), 100);
      await expect(other).rejects.toMatchObject({
        key: "store",
        allowed: expect.stringMatching(
          /^rows of the cluster other, or none: there are those of the cluster lab; /,
        ),
      });
    });

    test("its nodes with what they have", async () => {
      contract.reset();
      const [a, b] = [await open("a"), await open("b")];
      await obtain(a.rows, "u", "v");
      b.node.cut();
      await pass(4500);
      const nodes = await done(a.rows.nodes());
      expect(nodes).toHaveLength(1); // what has nothing and is dead is forgotten
      expect(nodes[0]).toMatchObject({ name: a.rows.node, address: "a.example:6060", groups: 2 });
      expect(nodes[0]?.leaseMs).toBeGreaterThan(2000);
    });
  });
}
