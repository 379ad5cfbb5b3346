// Bounds of what is remembered per IMPI: nobody's challenge goes for somebody else's.
import { expect, test } from "vitest";
import { NO_ATTEMPTS, type Outstanding, withChallenge } from "../../src/authentication/attempts.ts";

function challenge(key: string, nonce = `nonce of ${key}`): Outstanding {
  return { key, nonce, expiresAt: 1000, failures: 0, isOver: false };
}

const keysOf = (state: typeof NO_ATTEMPTS): string[] => state.outstanding.map(({ key }) => key);

test("four challenges per IMPI; a fifth key drops none of them", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(withChallenge, NO_ATTEMPTS);
  expect(keysOf(four)).toEqual(["a", "b", "c", "d"]);
  expect(withChallenge(four, challenge("e"))).toBe(four);
});

test("an attempt replaces its own challenge, also when four are there", () => {
  const four = ["a", "b", "c", "d"].map((key) => challenge(key)).reduce(withChallenge, NO_ATTEMPTS);
  const again = withChallenge(four, challenge("b", "later"));
  expect(keysOf(again).sort()).toEqual(["a", "b", "c", "d"]);
  expect(again.outstanding.find(({ key }) => key === "b")?.nonce).toBe("later");
});
