// Values by a key that several share.
import { expect, test } from "vitest";
import { Groups } from "../../src/platform/groups.ts";

test("members come and go; a group without members is none", () => {
  const groups = new Groups<string, number>();
  for (const value of [1, 2, 2]) groups.add("a", value);
  groups.add("b", 3);
  expect([groups.of("a"), groups.of("b"), groups.of("c")]).toEqual([[1, 2], [3], []]);
  for (const value of groups.of("a")) groups.remove("a", value);
  groups.remove("c", 1);
  expect([groups.of("a"), groups.size]).toEqual([[], 1]);
});
