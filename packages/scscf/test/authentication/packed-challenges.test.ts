// A user's challenges at rest: each comes back as it was.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  hasCredentialsSince,
  packChallenges,
  unpackChallenges,
} from "../../src/authentication/packed-challenges.ts";
import type { UserChallenges } from "../../src/authentication/user-challenges.ts";

const time = fc.double({ min: 0, max: 2e12, noNaN: true });
const challenges: fc.Arbitrary<UserChallenges> = fc.record(
  {
    outstanding: fc.array(
      fc.record({
        key: fc.string({ unit: "binary" }),
        nonce: fc.string(),
        expiresAt: time,
        failures: fc.nat(9),
        isOver: fc.boolean(),
      }),
      { maxLength: 5 },
    ),
    used: fc.array(fc.record({ nonce: fc.string(), issuedAt: time, lastNc: fc.nat(2 ** 31) }), {
      maxLength: 3,
    }),
    forgottenUpTo: time,
    credentialsSince: time,
  },
  { requiredKeys: ["outstanding", "used", "forgottenUpTo"] },
);

test("what was packed is the same again, and its text tells whether credentials were changed", () => {
  fc.assert(
    fc.property(challenges, (state) => {
      const text = packChallenges(state);
      expect(unpackChallenges(text)).toEqual(normal(state));
      expect(hasCredentialsSince(text)).toBe(state.credentialsSince !== undefined);
    }),
    { numRuns: 300 },
  );
});

/** JSON knows no negative zero. */
function normal(state: UserChallenges): unknown {
  return JSON.parse(JSON.stringify(state));
}
