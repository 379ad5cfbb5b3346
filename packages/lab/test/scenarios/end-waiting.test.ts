// Asked before anybody can be notified: it waits, and what becomes of that.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { describe, expect, test } from "vitest";
import { expectGone, passTo, TRUSTING_BOTH, toldToPcscf } from "./end-state.ts";
import { Lab, type LabOptions } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

async function registered(
  options: LabOptions & { readonly user?: string } = {},
): Promise<{ lab: Lab; ue: ScriptedUe }> {
  const { user = "bob", ...rest } = options;
  const lab = await Lab.start({ ...rest, scscf: { ...TRUSTING_BOTH, ...rest.scscf } });
  const ue = await ScriptedUe.start(lab, user);
  ue.register();
  lab.pass(1);
  return { lab, ue };
}

describe("unsubscribed", () => {
  test("nobody to notify by the subscription's deadline: that deadline ends it", async () => {
    const { lab, ue } = await registered();
    lab.askByScscf(ue.user);
    const [binding] = lab.atScscf(ue.user);
    const at = binding?.subscriptionDeadlineAt ?? 0;
    expect(lab.reauthentications).toMatchObject([
      { progress: "requested", deadlineAt: at, notifiedAt: null },
    ]);
    lab.forget();
    passTo(lab, at - 1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    passTo(lab, at);
    expect(lab.reauthentications).toMatchObject([{ end: "unsubscribed", deregisteredAt: at }]);
    lab.pass(0.1);
    expect(toldToPcscf(lab, ue)).toEqual(["SUBSCRIBE with Expires 0"]);
    expect(ue.news()).toEqual([]);
    await expectGone(lab, ue);
  });

  test("warn: nobody is de-registered for not subscribing; the registration's end is the limit", async () => {
    const { lab, ue } = await registered({ profile: "ts24229" });
    lab.askByScscf(ue.user);
    const [binding] = lab.atScscf(ue.user);
    expect(lab.reauthentications).toMatchObject([{ deadlineAt: binding?.expiresAt }]);
    lab.pass(3600);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    passTo(lab, binding?.expiresAt ?? 0);
    expect(lab.onlyEnd).toBe("unsubscribed");
    lab.pass(0.1);
    await expectGone(lab, ue);
  });

  test("optional: takes effect at its next REGISTER, protected association or not", async () => {
    const { lab, ue } = await registered({ user: "phone" });
    expect(ue.ask().status).toBe(200); // unchallenged: it comes from where it authenticated
    lab.askByScscf(ue.user);
    const [binding] = lab.atScscf(ue.user);
    expect(lab.reauthentications).toMatchObject([{ deadlineAt: binding?.expiresAt }]);
    lab.pass(100);
    expect(ue.register().status).toBe(200);
    const [one] = lab.reauthentications;
    expect(one).toMatchObject({ end: "reauthenticated", challengedAt: expect.any(Number) });
    expect(one?.notifiedAt).toBeNull();
  });
});

describe("sent when somebody subscribes", () => {
  test("after the SUBSCRIBE: first the initial NOTIFY, which asks nothing, then the trigger; N runs from there", async () => {
    const { lab, ue } = await registered();
    lab.askByScscf(ue.user);
    lab.pass(10);
    expect(ue.news()).toEqual([]);
    const [asked] = lab.reauthentications;
    ue.subscribe();
    lab.pass(1);
    const events = ue.news().map(({ event }) => event);
    expect(events).toEqual(["registered", "shortened"]);
    const [one] = lab.reauthentications;
    expect(one?.requestedAt).toBe(asked?.requestedAt);
    expect(one?.deadlineAt).toBe((one?.notifiedAt ?? 0) + 60_000);
    expect((one?.notifiedAt ?? 0) - (asked?.requestedAt ?? 0)).toBeGreaterThan(9_000);
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("Figure 5 with no UE subscription: the P-CSCF's 200 comes at once, its request waits", async () => {
    const { lab, ue } = await registered({ scscf: { "subscription.duty": "warn" } });
    expect(lab.passed("SUBSCRIBE", "S-CSCF", "P-CSCF")).toHaveLength(1);
    lab.forget();
    expect(lab.askByPcscf(ue.user)).toBe("asked");
    lab.pass(0.1);
    expect(lab.passed("200 NOTIFY", "S-CSCF", "P-CSCF")).toHaveLength(1);
    expect(lab.reauthentications).toMatchObject([
      { progress: "requested", cause: "pcscf", askers: ["pcscf"] },
    ]);
    ue.subscribe();
    lab.pass(1);
    expect(ue.news().map(({ event }) => event)).toEqual(["registered", "shortened"]);
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("the UE's subscription was lost when the P-CSCF asks: waits for the next, at most its duty's time", async () => {
    const { lab, ue } = await registered();
    ue.subscribe();
    lab.pass(1);
    ue.subscribe(OWN_PACKAGE, 0);
    lab.pass(1);
    ue.news();
    expect(lab.askByPcscf(ue.user)).toBe("asked");
    lab.pass(1);
    const [binding] = lab.atScscf(ue.user);
    expect(lab.reauthentications).toMatchObject([
      { progress: "requested", deadlineAt: binding?.subscriptionDeadlineAt },
    ]);
    expect(ue.news()).toEqual([]);
    ue.subscribe();
    lab.pass(1);
    expect(ue.news().map(({ event }) => event)).toContain("shortened");
  });

  test("enforce, never subscribed: the S-CSCF has not subscribed at the P-CSCF yet, which says so", async () => {
    const { lab, ue } = await registered();
    expect(lab.askByPcscf(ue.user)).toBe("not-subscribed");
    expect(lab.askByPcscf("carol")).toBe("not-registered");
  });
});

describe("two triggers at once", () => {
  async function subscribed(): Promise<{ lab: Lab; ue: ScriptedUe }> {
    const lab = await Lab.start();
    return { lab, ue: await ScriptedUe.subscribed(lab, "bob") };
  }

  test("S-CSCF and P-CSCF: one object, both askers, one NOTIFY; start and N stay", async () => {
    const { lab, ue } = await subscribed();
    lab.askByScscf(ue.user);
    expect(lab.askByPcscf(ue.user)).toBe("asked");
    lab.pass(0.1);
    const [one, ...others] = lab.reauthentications;
    expect(others).toEqual([]);
    expect(one).toMatchObject({ cause: "operator", askers: ["operator", "pcscf"] });
    expect(ue.news().map(({ event }) => event)).toEqual(["shortened"]);
    lab.pass(20);
    lab.askByScscf(ue.user);
    lab.pass(0.1);
    expect(lab.reauthentications).toMatchObject([
      {
        id: one?.id,
        requestedAt: one?.requestedAt,
        notifiedAt: one?.notifiedAt,
        deadlineAt: one?.deadlineAt,
        askers: ["operator", "pcscf", "operator"],
      },
    ]);
    expect(ue.news()).toEqual([]);
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("the P-CSCF first: it is the cause, the operator joins", async () => {
    const { lab, ue } = await subscribed();
    lab.askByPcscf(ue.user);
    lab.pass(0.1);
    lab.askByScscf(ue.user);
    lab.pass(0.1);
    expect(lab.reauthentications).toMatchObject([
      { cause: "pcscf", askers: ["pcscf", "operator"] },
    ]);
    expect(ue.news().map(({ event }) => event)).toEqual(["shortened"]);
  });

  test("asked again after the end: a new one", async () => {
    const { lab, ue } = await subscribed();
    lab.askByPcscf(ue.user);
    lab.pass(0.1);
    ue.register();
    lab.pass(1);
    lab.askByPcscf(ue.user);
    lab.pass(0.1);
    expect(lab.reauthentications.map(({ end }) => end)).toEqual([null, "reauthenticated"]);
    expect(ue.news().at(-1)?.event).toBe("shortened");
  });
});

describe("an ordinary REGISTER that crosses the NOTIFY", () => {
  test("is challenged and counts; the late trigger names the old REGISTER", async () => {
    const lab = await Lab.start();
    const ue = await ScriptedUe.subscribed(lab, "bob");
    const before = ue.cseq;
    expect(ue.ask().status).toBe(200); // as long as nothing is due, no challenge
    // Sent in the same millisecond: the two cross on the way.
    lab.askByScscf(ue.user);
    const crossing = ue.register();
    expect(crossing.status).toBe(200);
    expect(ue.cseq).toBe(before + 3);
    lab.pass(1);
    const [one] = lab.reauthentications;
    expect(one).toMatchObject({ end: "reauthenticated", progress: "challenged" });
    const shortened = ue.news().find(({ event }) => event === "shortened");
    expect(shortened?.contact?.cseq).toBe(before + 1);
    lab.pass(600);
    expect(lab.atScscf(ue.user)).toMatchObject([{ cseq: before + 3, reauthentication: null }]);
  });

  test("the lab's own UE does not obey a trigger that its REGISTER has overtaken", async () => {
    const { lab, alice } = await Lab.withAlice();
    lab.forget();
    // The UE refreshes and the operator asks in the same instant.
    alice.register();
    lab.askByScscf("alice");
    lab.pass(10);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expect(lab.passed("401 REGISTER", "P-CSCF", "UE")).toHaveLength(1);
    expect(lab.passed("REGISTER", "UE", "P-CSCF")).toHaveLength(2);
  });
});
