// Bounds of what is remembered per IMPI: nobody's challenge goes for somebody else's.
import { expect, test } from "vitest";
import {
  type Attempts,
  AttemptTable,
  NO_ATTEMPTS,
  type Outstanding,
  withChallenge,
} from "../../src/authentication/attempts.ts";

function challenge(key: string, nonce = `nonce of ${key}`): Outstanding {
  return { key, nonce, expiresAt: 1000, failures: 0, isOver: false };
}

const noted = (state: Attempts, one: Outstanding): Attempts => withChallenge(state, one, 4);
const keysOf = (state: typeof NO_ATTEMPTS): string[] => state.outstanding.map(({ key }) => key);

test("four challenges per IMPI; a fifth key drops none of them", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(noted, NO_ATTEMPTS);
  expect(keysOf(four)).toEqual(["a", "b", "c", "d"]);
  expect(noted(four, challenge("e"))).toBe(four);
});

test("an attempt replaces its own challenge, also when four are there", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(noted, NO_ATTEMPTS);
  const again = noted(four, challenge("b", "later"));
  expect(keysOf(again).sort()).toEqual(["a", "b", "c", "d"]);
  expect(again.outstanding.find(({ key }) => key === "b")?.nonce).toBe("later");
});

test("limits.maxChallengesPerUser: at it nothing is said, over it one is counted and none forgotten", () => {
  let full = 0;
  const table = new AttemptTable(1000, { most: 2, onFull: () => full++ });
  for (const key of ["a", "b"]) table.challenged("user", challenge(key), 0);
  expect(full).toBe(0);
  table.challenged("user", challenge("c"), 0);
  expect(full).toBe(1);
  expect(keysOf(table.get("user"))).toEqual(["a", "b"]);
});
