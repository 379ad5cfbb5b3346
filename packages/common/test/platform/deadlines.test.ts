// Many deadlines over one timer: each comes at its time, moved ones at the time they moved to.
import { Deadlines } from "@ims-lab/common/platform/deadlines";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import fc from "fast-check";
import { expect, test } from "vitest";

interface Table {
  readonly clock: FakeClock;
  readonly due: Map<string, number>;
  readonly fired: [string, number][];
  readonly deadlines: Deadlines<string>;
  put(key: string, at: number): void;
  remove(key: string): void;
}

/** As its users use it: an entry only where the deadline is new or earlier than before. */
function lab(): Table {
  const clock = new FakeClock();
  const start = clock.now();
  const due = new Map<string, number>();
  const fired: [string, number][] = [];
  const deadlines = new Deadlines<string>({
    clock,
    dueOf: (key) => due.get(key),
    count: () => due.size,
    onDue: (key) => {
      fired.push([key, clock.now() - start]);
      due.delete(key);
      deadlines.gone();
    },
  });
  return {
    clock,
    due,
    fired,
    deadlines,
    put(key, at) {
      const before = due.get(key);
      due.set(key, start + at);
      if (before === undefined || start + at < before) deadlines.add(key, start + at);
    },
    remove(key) {
      due.delete(key);
      deadlines.gone();
    },
  };
}

test("each at its time, with one timer for all", () => {
  const { clock, fired, put } = lab();
  put("b", 200);
  put("a", 100);
  put("c", 300);
  expect(clock.pending).toBe(1);
  clock.advance(250);
  expect(fired).toEqual([
    ["a", 100],
    ["b", 200],
  ]);
  clock.advance(100);
  expect(fired.at(-1)).toEqual(["c", 300]);
  expect(clock.pending).toBe(0);
});

test("moved later: once, at the later time; moved earlier: at the earlier one", () => {
  const { clock, fired, put } = lab();
  put("later", 100);
  put("later", 300);
  put("earlier", 400);
  put("earlier", 150);
  clock.advance(1000);
  expect(fired).toEqual([
    ["earlier", 150],
    ["later", 300],
  ]);
});

test("one that comes back is there again; without any there is no timer", () => {
  const { clock, fired, put, remove } = lab();
  put("a", 100);
  remove("a");
  expect(clock.pending).toBe(0);
  put("a", 50);
  clock.advance(200);
  expect(fired).toEqual([["a", 50]]);
});

test("who comes and goes all day leaves no room taken", () => {
  const { put, remove, deadlines } = lab();
  put("stays", 1_000_000);
  for (let turn = 0; turn < 10_000; turn++) {
    put(`x${turn}`, 900_000);
    remove(`x${turn}`);
  }
  expect(deadlines.size).toBeLessThan(100);
});

test("whatever moves where, each live deadline comes once, at its time", () => {
  const act = fc.tuple(fc.nat(5), fc.option(fc.integer({ min: 0, max: 50 })), fc.nat(20));
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
      const { clock, due, fired, put, remove } = lab();
      const model = new Map<string, number>();
      const expected: [string, number][] = [];
      let now = 0;
      for (const [which, within, pass] of acts) {
        const key = `k${which}`;
        if (within === null) {
          remove(key);
          model.delete(key);
        } else {
          put(key, now + within + 1);
          model.set(key, now + within + 1);
        }
        now += pass;
        clock.advance(pass);
        for (const [name, at] of model)
          if (at <= now) {
            expected.push([name, at]);
            model.delete(name);
          }
      }
      expect([...fired].sort()).toEqual([...expected].sort());
      expect(due.size).toBe(model.size);
    }),
  );
});
