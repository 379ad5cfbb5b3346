// Rows at rest are texts, rows in use are objects, and nobody can tell but by the room they take.
import { PackedTable } from "@ims-lab/common/platform/packed-table";
import fc from "fast-check";
import { expect, test } from "vitest";

interface Row {
  readonly n: number;
  readonly busy?: true;
}

function lab(warm: number): { table: PackedTable<Row>; packed: string[] } {
  const packed: string[] = [];
  const table = new PackedTable<Row>({
    warm,
    pack: (row) => {
      if (row.busy) return undefined;
      packed.push(String(row.n));
      return JSON.stringify(row);
    },
    unpack: (text) => JSON.parse(text) as Row,
  });
  return { table, packed };
}

test("the row used longest ago comes to rest, and is the same when it is asked for", () => {
  const { table, packed } = lab(2);
  const rows = [{ n: 0 }, { n: 1 }, { n: 2 }];
  for (const row of rows) table.set(`k${row.n}`, row);
  expect(packed).toEqual(["0"]);
  expect(table.get("k2")).toBe(rows[2]);
  const again = table.get("k0");
  expect(again).toEqual(rows[0]);
  expect(again).not.toBe(rows[0]);
  expect(table.get("k0")).toBe(again);
  expect(packed).toEqual(["0", "1"]);
});

test("a row stays the object it is as long after its last use as after its only one", () => {
  const { table, packed } = lab(4);
  const row = { n: 0 };
  table.set("k0", row);
  table.set("k1", { n: 1 });
  table.use("k0");
  for (const n of [2, 3]) table.set(`k${n}`, { n });
  expect(table.get("k0")).toBe(row); // its first use is five uses ago, its last is two
  table.set("k4", { n: 4 });
  expect(table.get("k0")).toBe(row);
  table.set("k5", { n: 5 });
  expect(packed).toContain("0");
});

test("a row in use stays the object it is", () => {
  const { table } = lab(1);
  const row: Row = { n: 1, busy: true };
  table.set("busy", row);
  table.set("x", { n: 2 });
  table.set("y", { n: 3 });
  expect(table.get("busy")).toBe(row);
});

test("a row that was in use when its time came is at rest when its next use is as long ago", () => {
  const { table, packed } = lab(2);
  table.set("busy", { n: 1, busy: true });
  table.set("a", { n: 2 });
  table.set("b", { n: 3 });
  table.set("busy", { n: 4 });
  for (const n of [5, 6]) table.set(`k${n}`, { n });
  expect(packed).toContain("4");
  expect(table.get("busy")).toEqual({ n: 4 });
});

test("a row that is used all the time stays, however many others come", () => {
  const { table } = lab(3);
  const row = { n: 0 };
  table.set("held", row);
  for (let n = 1; n < 100; n++) {
    table.set(`k${n}`, { n });
    table.use("held");
    expect(table.get("held")).toBe(row);
  }
});

test("looking through all rows wakes none", () => {
  const { table, packed } = lab(1);
  for (let n = 0; n < 5; n++) table.set(`k${n}`, { n });
  const before = packed.length;
  expect([...table.values()].map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
  expect(packed).toHaveLength(before);
});

test("whatever is done to it, it holds what a Map holds", () => {
  const act = fc.tuple(fc.constantFrom("set", "get", "use", "delete"), fc.nat(6), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (acts, warm) => {
      const { table } = lab(warm);
      const model = new Map<string, Row>();
      for (const [what, which, n] of acts) {
        const key = `k${which}`;
        if (what === "set") {
          table.set(key, { n });
          model.set(key, { n });
        } else if (what === "use") table.use(key);
        else if (what === "delete") expect(table.delete(key)).toBe(model.delete(key));
        else expect(table.get(key)).toEqual(model.get(key));
        expect(table.size).toBe(model.size);
      }
      expect([...table.keys()]).toEqual([...model.keys()]);
      expect([...table.values()]).toEqual([...model.values()]);
    }),
  );
});

test("a row at rest is looked at and written anew without waking; one in use is not", () => {
  const { table } = lab(1);
  table.set("resting", { n: 1 });
  const inUse = { n: 2 };
  table.set("in use", inUse);
  expect(table.look("resting")).toEqual({ n: 1 });
  expect(table.look("in use")).toBe(inUse);
  expect(table.look("nobody")).toBeUndefined();
  expect(table.rewrite("resting", (text) => text.replace("1", "3"))).toBe(true);
  expect(table.rewrite("resting", () => undefined)).toBe(false);
  expect(table.rewrite("in use", () => "{}")).toBe(false);
  expect(table.rewrite("nobody", () => "{}")).toBe(false);
  expect(table.atRest("resting")).toBe('{"n":3}');
  expect(table.get("in use")).toBe(inUse);
});
