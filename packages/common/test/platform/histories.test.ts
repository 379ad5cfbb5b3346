// Histories: bounded, compact, what repeats is counted.
import { Histories } from "@ims-lab/common/platform/histories";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import fc from "fast-check";
import { expect, test } from "vitest";

type Kind = "tried" | "done";

function lab(maxNames = 3) {
  const clock = new FakeClock();
  const isUnproven = (kind: Kind): boolean => kind === "tried";
  return { clock, histories: new Histories<Kind>({ clock, maxNames, isUnproven }) };
}

test("in order, with whole milliseconds, and the same twice in a row is one that happened twice", () => {
  const { clock, histories } = lab();
  const start = clock.now();
  histories.note("a", "done", "x", "s1");
  clock.advance(1.4);
  histories.note("a", "done", "x", "s2");
  histories.note("a", "done", "y");
  clock.advance(30 * 86_400_000);
  histories.note("a", "done", "x");
  expect(histories.of("a")).toEqual([
    { at: start + 1, kind: "done", detail: "x", source: "s2", times: 2 },
    { at: start + 1, kind: "done", detail: "y", source: undefined, times: 1 },
    { at: start + 1 + 30 * 86_400_000, kind: "done", detail: "x", source: undefined, times: 1 },
  ]);
  expect(histories.of("b")).toEqual([]);
});

test("twenty are kept, the latest", () => {
  const { histories } = lab();
  for (let n = 0; n < 50; n++) histories.note("a", "done", String(n));
  expect(histories.of("a").map(({ detail }) => Number(detail))).toEqual(
    Array.from({ length: 20 }, (_, n) => 30 + n),
  );
});

test("what anybody can cause pushes out itself only, once it has its share", () => {
  const { histories } = lab();
  for (let n = 0; n < 6; n++) histories.note("a", "done", String(n));
  for (let n = 0; n < 500; n++) histories.note("a", "tried", String(n));
  const kept = histories.of("a");
  expect(kept.filter(({ kind }) => kind === "done")).toHaveLength(6);
  expect(kept.filter(({ kind }) => kind === "tried").at(-1)?.detail).toBe("499");
  for (let n = 0; n < 500; n++) histories.note("a", "done", String(n));
  expect(histories.of("a").every(({ kind }) => kind === "done" || kind === "tried")).toBe(true);
  expect(histories.of("a")).toHaveLength(20);
});

test("the names quiet longest are forgotten, and never more than so many are kept", () => {
  const { histories } = lab(4);
  for (const name of ["a", "b", "a", "c", "a", "d", "e"]) histories.note(name, "done");
  const kept = ["a", "b", "c", "d", "e"].filter((name) => histories.of(name).length > 0);
  expect(kept).toEqual(["a", "c", "d", "e"]);
  expect(histories.of("a")).toMatchObject([{ times: 3 }]);
  for (let n = 0; n < 100; n++) histories.note(String(n), "done");
  const left = Array.from({ length: 100 }, (_, n) => String(n));
  expect(left.filter((name) => histories.of(name).length > 0).length).toBeLessThanOrEqual(4);
  expect(histories.of("a")).toEqual([]);
});

test("a history at rest takes an event as one in use does: nobody can tell which it was", () => {
  const details = [undefined, "x", "y", "söme ⟨detail⟩", 'with "quotes", and commas,'];
  const event = fc.record({
    kind: fc.constantFrom<Kind>("tried", "done"),
    detail: fc.constantFrom(...details),
    source: fc.constantFrom(undefined, "s1"),
    passed: fc.nat(5000),
  });
  const others = Array.from({ length: 2100 }, (_, n) => `other${n}`);
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), (events) => {
      const resting = lab(100_000);
      const inUse = lab(100_000);
      for (const { kind, detail, source, passed } of events) {
        for (const { clock, histories } of [resting, inUse]) {
          clock.advance(passed);
          histories.note("a", kind, detail, source);
        }
        for (const other of others) resting.histories.note(other, "done");
      }
      expect(resting.histories.of("a")).toEqual(inUse.histories.of("a"));
    }),
    { numRuns: 30 },
  );
}, 30_000);

test("a name at rest that is quiet long comes forward with its next event, and others stay", () => {
  const { histories } = lab(8000);
  histories.note("a", "done", "x");
  for (let n = 0; n < 4100; n++) histories.note(`other${n}`, "done");
  histories.note("a", "tried", "y");
  histories.note("a", "done", "x");
  histories.note("a", "done", "x");
  expect(histories.of("a")).toMatchObject([
    { kind: "done", detail: "x", times: 1 },
    { kind: "tried", detail: "y", times: 1 },
    { kind: "done", detail: "x", times: 2 },
  ]);
  for (let n = 0; n < 3900; n++) histories.note(`new${n}`, "done");
  expect(histories.of("a")).toHaveLength(3);
  expect(histories.of("other1")).toEqual([]);
});
