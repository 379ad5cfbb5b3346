// Every figure while packets are lost on one hop: it completes by retransmission, and has its effects once. RFC 3261 §17.1.2.
import { type DropPattern, everyNth, first, firstN } from "@ims-lab/common/testing/drop-patterns";
import { describe, expect, test } from "vitest";
import { type Figure, figurePlan } from "../../src/launcher/figures.ts";
import { Lab, type Way } from "./lab.ts";

const SEED = { profile: "seed", expires: "registration" } as const;
const FIGURE_5 = [figurePlan(SEED).byProxy].filter((figure) => figure !== undefined);
const WAYS: readonly Way[] = ["UE→P", "P→UE", "P→S", "S→P"];
const PATTERNS: readonly (readonly [string, DropPattern])[] = [
  ["the first packet", first],
  ["the first three packets", firstN(3)],
  ["every third packet", everyNth(3)],
];
const profiles = ["seed", "ts24229"] as const;
const losses = profiles.flatMap((profile) =>
  WAYS.flatMap((way) => PATTERNS.map(([name, pattern]) => ({ profile, name, way, pattern }))),
);

/** Well below the 32 s to subscribe and the 60 s to authenticate; TS 24.229's UE waits 300 of 600 s. */
const inTime = (profile: string): number => (profile === "seed" ? 20 : 320);

/** What must have passed, what must have happened once, and what must not have happened. */
function expectOnce(lab: Lab, figures: readonly Figure[]): void {
  for (const figure of figures) expect(lab.lacking(figure)).toEqual([]);
  expect(lab.lost).toBeGreaterThan(0);
  expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
  expect(lab.logs.scscf.named("registration.bound")).toHaveLength(1);
  expect(lab.logs.scscf.named("registration.removed")).toHaveLength(0);
}

describe.each(losses)("$profile, $name lost, $way", ({ profile, way, pattern }) => {
  const { registration, byServing } = figurePlan({ profile, expires: "registration" });

  test("Figures 1, 2 and 4 complete; everybody subscribes once", async () => {
    const lab = await Lab.start({ profile });
    const alice = await lab.ue("alice");
    lab.lose(way, pattern);
    alice.register();
    lab.pass(20);
    expectOnce(lab, registration);
    expect(lab.attempts("SUBSCRIBE", "UE", "P-CSCF")).toBe(1);
    expect(lab.attempts("SUBSCRIBE", "S-CSCF", "P-CSCF")).toBe(profile === "seed" ? 1 : 0);
  });

  test("Figure 3 completes: one re-authentication, which succeeds", async () => {
    const { lab } = await Lab.withAlice({ profile });
    lab.forget();
    lab.lose(way, pattern);
    lab.askByScscf("alice");
    lab.pass(inTime(profile));
    expect(lab.onlyEnd).toBe("reauthenticated");
    expectOnce(lab, [byServing]);
  });
});

const ofSeed = losses.filter(({ profile }) => profile === "seed");
describe.each(ofSeed)("$name lost, $way", ({ way, pattern }) => {
  test("Figure 5 completes: one re-authentication, which succeeds", async () => {
    const { lab } = await Lab.withAlice();
    lab.forget();
    lab.lose(way, pattern);
    lab.askByPcscf("alice");
    lab.pass(20);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expectOnce(lab, FIGURE_5);
  });
});

describe("every third packet lost on every hop", () => {
  const { registration, byServing } = figurePlan(SEED);

  test("a day of asking from both sides: all succeed, nobody is de-registered", async () => {
    const lab = await Lab.start();
    const alice = await lab.ue("alice");
    for (const way of WAYS) lab.lose(way, everyNth(3));
    alice.register();
    lab.pass(32);
    expectOnce(lab, registration);
    for (let hour = 1; hour <= 24; hour++) {
      lab.forget();
      if (hour % 2 === 0) lab.askByScscf("alice");
      else expect(lab.askByPcscf("alice")).toBe("asked");
      lab.pass(3600);
      expectOnce(lab, hour % 2 === 0 ? [byServing] : FIGURE_5);
      expect(lab.reauthentications).toHaveLength(hour);
    }
    expect(new Set(lab.reauthentications.map(({ end }) => end))).toEqual(
      new Set(["reauthenticated"]),
    );
  });
});
