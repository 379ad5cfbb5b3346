// The simulation of the whole lab: a few of its seeds hold, are the same each time, and a planted bug is found.
import { describe, expect, test } from "vitest";
import { drawPlan } from "../simulation/plan.ts";
import { PLANTS } from "../simulation/plants.ts";
import { run } from "../simulation/run.ts";

// 102: a subscription ended while a row of it waited; 174: a deadline passed while the S-CSCF was down, in a campaign.
test.each([1, 2, 3, 4, 5, 6, 7, 8, 102, 174])(
  "seed %i: every invariant holds",
  { timeout: 60_000 },
  async (seed) => {
    const { violation, acts, messages } = await run(drawPlan(seed));
    expect(violation).toBeUndefined();
    expect(acts.size).toBeGreaterThan(5);
    expect(messages).toBeGreaterThan(100);
  },
);

test("the same seed plays the same run, message by message", { timeout: 60_000 }, async () => {
  const ladders = [
    await run(drawPlan(9), { isTold: true }),
    await run(drawPlan(9), { isTold: true }),
  ].map((result) => result.ladder(500));
  expect(ladders[0]).toBe(ladders[1]);
  expect(ladders[0]).toContain("REGISTER");
});

/** By the invariants that may be the first to see it. */
const FOUND: Readonly<Record<string, readonly string[]>> = {
  "lost-commit": [
    "nothing acknowledged is lost",
    "not registered past a deadline",
    "not registered without subscription",
  ],
  "deadline-twice": ["not registered past a deadline"],
  "version-back": ["numbers rise"],
  "sqn-back": ["no sequence number twice"],
};

describe("a bug that is planted is found", () => {
  test("each of them", () => {
    expect(Object.keys(FOUND)).toEqual(Object.keys(PLANTS));
  });

  test.each(Object.entries(FOUND))("%s", { timeout: 60_000 }, async (name, invariants) => {
    const found: string[] = [];
    for (let seed = 1; found.length === 0 && seed <= 40; seed++) {
      const { violation } = await run(drawPlan(seed), { plant: PLANTS[name] });
      if (violation !== undefined) found.push(violation.invariant);
    }
    expect(invariants).toContain(found[0]);
  });
});
