// The verdict on this project's own UE: without a fault of its own it passes everything, in both profiles and packages.
import { describe, expect, test } from "vitest";
import { PROCEDURES } from "../../src/verify/procedures.ts";
import { Lab } from "./lab.ts";
import { told, verified } from "./verified.ts";

const ALL = PROCEDURES.map(({ name }) =>
  name === "next-register"
    ? `${name} | not-applicable | it has a subscription: it can be asked`
    : `${name} | pass`,
);

describe.each([
  ["seed", "own", "udp"],
  ["seed", "reg", "tcp"],
  ["ts24229", "own", "tcp"],
  ["ts24229", "reg", "udp"],
] as const)("profile %s, package %s, %s", (profile, event, transport) => {
  test("a UE without faults passes everything", async () => {
    const { lab } = await Lab.withAlice({
      profile,
      transport,
      ue: { "subscription.event": event },
    });
    const bob = await lab.ue("bob");
    bob.register();
    lab.pass(5);
    const report = await verified(lab, "alice", { caller: bob });
    const sooner = "in this package it registers at once: there is no sooner";
    expect(told(report)).toEqual(
      ALL.map((line) =>
        event === "own" && line.startsWith("asked-sooner")
          ? `asked-sooner | not-applicable | ${sooner}`
          : line,
      ),
    );
    expect(report.left).toBe("not registered: have it register again by hand");
    expect(lab.scscf.faults.switches.count).toBe(0);
    expect(lab.scscf.watches.isOn).toBe(false);
  });
});

test("one with a password: what needs an ISIM does not apply", async () => {
  const { lab } = await Lab.withAlice();
  const bob = await lab.ue("bob");
  bob.register();
  lab.pass(5);
  const report = await verified(lab, "bob");
  const verdicts = new Map(report.results.map(({ name, verdict }) => [name, verdict]));
  expect([verdicts.get("forged-challenge"), verdicts.get("resynchronisation")]).toEqual([
    "not-applicable",
    "not-applicable",
  ]);
  expect(
    report.results.filter(({ verdict }) => verdict !== "pass").map(({ name }) => name),
  ).toEqual([
    "next-register",
    "asked-sooner",
    "forged-challenge",
    "resynchronisation",
    "challenge-in-call",
    "rejected-in-call",
  ]);
});
