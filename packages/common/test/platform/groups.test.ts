// Values by a key that several share.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Groups } from "../../src/platform/groups.ts";

test("members come and go; a group without members is none", () => {
  const groups = new Groups<string, string>();
  for (const value of ["1", "2", "2"]) groups.add("a", value);
  groups.add("b", "3");
  expect([groups.of("a"), groups.of("b"), groups.of("c")]).toEqual([["1", "2"], ["3"], []]);
  for (const value of groups.of("a")) groups.remove("a", value);
  groups.remove("c", "1");
  expect([groups.of("a"), groups.size]).toEqual([[], 1]);
});

/** The plain way to keep them. */
class Lists {
  readonly all = new Map<string, readonly string[]>();

  of(key: string): readonly string[] {
    return this.all.get(key) ?? [];
  }

  /** What the act answers. */
  act(kind: Act, key: string, value: string): readonly string[] | undefined {
    const before = this.of(key);
    const others = before.filter((other) => other !== value);
    if (kind === "take") this.all.set(key, []);
    else if (kind === "remove") this.all.set(key, others);
    else if (others.length === before.length) this.all.set(key, [...before, value]);
    return kind === "take" ? before : undefined;
  }
}

type Act = "add" | "remove" | "take";
const ACTS = fc.array(
  fc.tuple(
    fc.constantFrom<Act>("add", "remove", "take"),
    fc.constantFrom("a", "b"),
    fc.constantFrom("1", "2", "3"),
  ),
  { maxLength: 30 },
);

test("as a list per key, whatever comes and goes", () => {
  const property = fc.property(ACTS, (acts) => {
    const groups = new Groups<string, string>();
    const lists = new Lists();
    for (const [kind, key, value] of acts) {
      const answer = kind === "take" ? groups.take(key) : groups[kind](key, value);
      expect(answer).toEqual(lists.act(kind, key, value));
      for (const each of ["a", "b"]) {
        expect(groups.of(each)).toEqual(lists.of(each));
        expect(groups.count(each)).toBe(lists.of(each).length);
      }
      const taken = ["a", "b"].filter((each) => lists.of(each).length > 0);
      expect([...groups.keys()].sort()).toEqual(taken);
      expect(groups.size).toBe(taken.length);
    }
  });
  fc.assert(property);
});
