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

test("many that are due at once leave messages their turn: 8 ms of work, then a pause", () => {
  let now = 0;
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  const at = (time: number, run: () => void): { cancel(): void } => {
    const timer = { at: time, run };
    timers.push(timer);
    return { cancel: () => void timers.splice(timers.indexOf(timer), 1) };
  };
  const clock = { now: () => now, at, after: (ms: number, run: () => void) => at(now + ms, run) };
  const left = new Map(Array.from({ length: 100 }, (_, n) => [n, 5]));
  const order: number[] = [];
  const deadlines = new Deadlines<number>({
    clock,
    dueOf: (key) => left.get(key),
    count: () => left.size,
    onDue: (key) => {
      now += 1;
      order.push(key);
      left.delete(key);
      deadlines.gone();
    },
  });
  for (const key of left.keys()) deadlines.add(key, 5);
  now = 1000;
  const turns: number[] = [];
  while (timers.length > 0) {
    const [timer] = timers.splice(0, 1);
    now = Math.max(now, timer?.at ?? 0);
    const before = order.length;
    const began = now;
    timer?.run();
    turns.push(order.length - before);
    if (timers[0] !== undefined) expect(timers[0].at).toBeGreaterThan(now);
    expect(now - began).toBeLessThanOrEqual(16);
  }
  expect(turns).toEqual([16, 16, 16, 16, 16, 16, 4]);
  expect(order).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

test("who takes many together gets those that are due in the order of their time, without what has moved", () => {
  const clock = new FakeClock();
  const start = clock.now();
  const due = new Map<string, number>();
  const taken: (readonly string[])[] = [];
  const deadlines = new Deadlines<string>({
    clock,
    dueOf: (key) => due.get(key),
    count: () => due.size,
    onDue: (key) => expect(key).toBe("taken together"),
    onAllDue: (keys) => {
      taken.push(keys);
      for (const key of keys) due.delete(key);
      deadlines.gone();
    },
  });
  for (let n = 99; n >= 0; n--) {
    due.set(`k${n}`, start + 100);
    deadlines.add(`k${n}`, start + 100);
  }
  due.set("moved", start + 300);
  deadlines.add("moved", start + 50);
  due.set("sooner", start + 60);
  deadlines.add("sooner", start + 60);
  expect(deadlines.nextDue).toBe(start + 50);
  expect(deadlines.waiting()).toEqual([]);
  clock.advance(200);
  expect(taken.flat()).toEqual(["sooner", ...Array.from({ length: 100 }, (_, n) => `k${99 - n}`)]);
  expect(taken.filter((keys) => keys.length > 0).length).toBeLessThanOrEqual(4);
  clock.advance(200);
  expect(taken.at(-1)).toEqual(["moved"]);
  expect(clock.pending).toBe(0);
});
