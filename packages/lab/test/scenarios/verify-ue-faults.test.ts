// The verdict on this project's UE with each of its faults switched on: it names that fault, and no other.
import { setImmediate as eventsHandled } from "node:timers/promises";
import { type UeFaultName, ueFaults } from "@ims-lab/common/admin-api/faults";
import { expect, test } from "vitest";
import type { Finding } from "../../src/verify/findings.ts";
import { findingsOf } from "../../src/verify/verdict.ts";
import { Lab, type LabOptions } from "./lab.ts";
import { verified } from "./verified.ts";

interface Row {
  /** What a network can tell of it. */
  readonly finding: Finding;
  /** Procedures that fail; every other one passes, does not apply or could not be judged any more. */
  readonly fails: readonly string[];
  readonly lab?: LabOptions;
  readonly parameters?: Readonly<Record<string, number>>;
}

const FIRST = ["reauthentication"];
const ALL_ASKING = ["reauthentication", "asked-again", "without-callid"];

const TABLE: Readonly<Record<UeFaultName, Row>> = {
  "no-subscribe": { finding: "no-subscribe", fails: ["subscription"] },
  "notify-ignored": { finding: "notify-unanswered", fails: FIRST },
  "notify-481": { finding: "notify-refused", fails: FIRST },
  "notify-500": { finding: "notify-failed", fails: FIRST },
  "notify-late": {
    finding: "notify-late",
    parameters: { delaySeconds: 30 },
    fails: [
      "reauthentication",
      "asked-again",
      "asked-twice",
      "without-callid",
      "deactivated",
      "rejected",
    ],
  },
  "silent-after-notify": { finding: "no-register", fails: FIRST },
  "wrong-res": { finding: "wrong-response", fails: FIRST },
  "reject-autn": { finding: "autn-rejected", fails: FIRST },
  "force-auts": { finding: "auts-unasked", fails: FIRST },
  "skip-mac-check": { finding: "bad-autn-answered", fails: ["forged-challenge"] },
  "challenge-unanswered": { finding: "challenge-unanswered", fails: FIRST },
  "no-authorization": { finding: "no-authorization", fails: [...ALL_ASKING, "registration"] },
  // The P-CSCF cannot reach it, and says so.
  "new-address": { finding: "notify-failed", fails: FIRST },
  // While its re-registration is awaited: in `reg` that takes half of the time.
  reboot: {
    finding: "call-id-changed",
    fails: FIRST,
    parameters: { afterSeconds: 5 },
    lab: { profile: "ts24229" },
  },
};

test("every fault that a UE can have is in the table", () => {
  expect(Object.keys(TABLE).sort()).toEqual(ueFaults.faults.map(({ name }) => name).sort());
});

test.each(Object.entries(TABLE))(
  "%s",
  async (fault, { finding, fails, lab: options, parameters }) => {
    const lab = await Lab.start(options);
    const alice = await lab.ue("alice");
    const switchOn = async (): Promise<void> => {
      expect(
        alice.faults.on(fault, parameters === undefined ? {} : { parameters }),
      ).toBeUndefined();
      lab.pass(0.1);
      await eventsHandled();
    };
    if (fault === "no-subscribe") await switchOn();
    alice.register();
    lab.pass(5);
    if (fault !== "no-subscribe") await switchOn();
    const { results } = await verified(lab, "alice", { timeoutSeconds: 120 });
    const failing = results.filter(({ verdict }) => verdict === "fail").map(({ name }) => name);
    expect([findingsOf(results), failing]).toEqual([[finding], fails]);
    expect(lab.scscf.faults.switches.count).toBe(0);
  },
);
