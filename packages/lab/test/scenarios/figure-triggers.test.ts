// Around the trigger: what the UE makes of it, and of hearing it more than once. TS 24.229 §5.1.1.5.2; docs/events.md.
import { describe, expect, test } from "vitest";
import { Lab } from "./lab.ts";

describe("TS 24.229 §5.1.1.5.2: reg leaves the UE time", () => {
  test.each([
    { n: 600, after: 300 },
    { n: 1200, after: 600 },
    { n: 2000, after: 1400 },
  ])("N = $n s: it registers after $after s", async ({ n, after }) => {
    const scscf = { "reauthentication.deadlineSeconds": n };
    const { lab } = await Lab.withAlice({ profile: "ts24229", scscf });
    lab.forget();
    lab.askByScscf("alice");
    lab.pass(after - 2);
    expect(lab.attempts("REGISTER")).toBe(0);
    lab.pass(4);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });
});

describe("a SUBSCRIBE after the trigger hears it again", () => {
  test("reg, renewed every 50 s while N runs: obeyed once, at its time", async () => {
    const { lab } = await Lab.withAlice({
      profile: "ts24229",
      ue: { "subscription.expiresSeconds": 100 },
    });
    lab.forget();
    lab.askByScscf("alice");
    lab.pass(280);
    expect(lab.attempts("SUBSCRIBE", "UE", "P-CSCF")).toBeGreaterThan(3);
    expect(lab.triggers).toBeGreaterThan(3);
    expect(lab.attempts("REGISTER")).toBe(0);
    lab.pass(320);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("own package, short life: the renewals after the trigger ask for nothing more", async () => {
    const { lab } = await Lab.withAlice({
      scscf: { "subscription.raiseOwn": false },
      ue: { "subscription.expiresSeconds": 60 },
    });
    lab.forget();
    lab.askByScscf("alice");
    lab.pass(600);
    expect(lab.attempts("SUBSCRIBE", "UE", "P-CSCF")).toBeGreaterThan(15);
    expect(lab.triggers).toBe(1);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(2);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("a hundred triggers from both sides, one after the other: each one REGISTER with an answer", async () => {
    const { lab } = await Lab.withAlice();
    for (let round = 1; round <= 50; round++) {
      lab.forget();
      lab.askByScscf("alice");
      lab.pass(1);
      expect(lab.askByPcscf("alice")).toBe("asked");
      lab.pass(1);
      expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(4);
    }
    expect(lab.reauthentications).toHaveLength(100);
    expect(lab.reauthentications.every(({ end }) => end === "reauthenticated")).toBe(true);
  });
});
