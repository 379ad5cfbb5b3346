// Bounds of what is remembered per IMPI: nobody's challenge goes for somebody else's.
import { expect, test } from "vitest";
import {
  ChallengeTable,
  NO_CHALLENGES,
  NO_MORE_USES,
  withChallenge,
} from "../../src/authentication/challenges.ts";
import type { Outstanding, UserChallenges } from "../../src/authentication/user-challenges.ts";

function challenge(key: string, nonce = `nonce of ${key}`): Outstanding {
  return { key, nonce, expiresAt: 1000, failures: 0, isOver: false };
}

const noted = (state: UserChallenges, one: Outstanding): UserChallenges =>
  withChallenge(state, one, 4);
const keysOf = (state: typeof NO_CHALLENGES): string[] => state.outstanding.map(({ key }) => key);

test("four challenges per IMPI; a fifth key drops none of them", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(noted, NO_CHALLENGES);
  expect(keysOf(four)).toEqual(["a", "b", "c", "d"]);
  expect(noted(four, challenge("e"))).toBe(four);
});

test("an attempt replaces its own challenge, also when four are there", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(noted, NO_CHALLENGES);
  const again = noted(four, challenge("b", "later"));
  expect(keysOf(again).sort()).toEqual(["a", "b", "c", "d"]);
  expect(again.outstanding.find(({ key }) => key === "b")?.nonce).toBe("later");
});

test("limits.maxChallengesPerUser: at it nothing is said, over it one is counted and none forgotten", () => {
  let full = 0;
  const table = new ChallengeTable(1000, { most: 2, onFull: () => full++ });
  for (const key of ["a", "b"]) table.challenged("user", challenge(key), 0);
  expect(full).toBe(0);
  table.challenged("user", challenge("c"), 0);
  expect(full).toBe(1);
  expect(keysOf(table.get("user"))).toEqual(["a", "b"]);
});

test("what a registration's end has ended stays ended as long as such a nonce could count", () => {
  const table = new ChallengeTable(1000, { most: 4 });
  const sweep = (now: number): void => {
    for (const user of ["x", "y", "z"]) table.challenged(user, challenge(`${now}`), now);
  };
  table.challenged("user", challenge("a"), 0);
  table.endNonces("user", 900);
  expect(table.get("user")).toEqual({ outstanding: [], used: [], forgottenUpTo: 900 });
  sweep(1500);
  expect(table.get("user").forgottenUpTo).toBe(900);
  sweep(3000);
  expect(table.get("user")).toBe(NO_CHALLENGES);
});

test("of so many users at most something is remembered: the one known longest goes", () => {
  const table = new ChallengeTable(1000, { most: 4, mostUsers: 3 });
  for (const user of ["a", "b", "c", "a", "d"]) table.challenged(user, challenge(user), 0);
  expect(table.size).toBe(3);
  expect(table.get("a")).toBe(NO_CHALLENGES);
  expect(keysOf(table.get("d"))).toEqual(["d"]);
});

test("what is remembered of a user is the same after many others have come", () => {
  const table = new ChallengeTable(1_000_000, { most: 4 });
  const outstanding = [challenge("a"), { ...challenge("b"), failures: 1, isOver: true }];
  const used = [
    { nonce: "n1", issuedAt: 1.5, lastNc: NO_MORE_USES },
    { nonce: "n2", issuedAt: 2, lastNc: 7 },
  ];
  const state: UserChallenges = { outstanding, used, forgottenUpTo: 0.25 };
  table.set("user", state, 0);
  for (let other = 0; other < 5000; other++)
    table.challenged(`user${other}`, challenge("x"), other);
  expect(table.get("user")).toEqual(state);
  expect(table.get("user")).not.toBe(state);
});
