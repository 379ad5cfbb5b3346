// The duty to subscribe and its clock: enforce, warn, optional.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { Contact } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { expectGone, passTo, TRUSTING_BOTH, toldToPcscf } from "./end-state.ts";
import { Lab, type LabOptions } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const DEADLINE = 32;

async function started(
  options: LabOptions & { readonly user?: string } = {},
): Promise<{ lab: Lab; ue: ScriptedUe }> {
  const { user = "bob", ...rest } = options;
  const lab = await Lab.start({ ...rest, scscf: { ...TRUSTING_BOTH, ...rest.scscf } });
  return { lab, ue: await ScriptedUe.start(lab, user) };
}

/** De-registered at this very millisecond, not one earlier. */
function expectGoneAt(lab: Lab, ue: ScriptedUe, at: number): void {
  passTo(lab, at - 1);
  expect(lab.atScscf(ue.user)).toHaveLength(1);
  passTo(lab, at);
  expect(lab.atScscf(ue.user)).toEqual([]);
  lab.pass(0.1);
}

function firstOk(lab: Lab, ue: ScriptedUe): number {
  return lab.scscf.bindings.ofSet(ue.impi)[0]?.registeredAt ?? 0;
}

/** Seconds that the 200 gives the device's contact. */
function granted(response: SipResponse): number {
  const contact = response.get(Contact);
  return Number(contact === "*" ? undefined : contact?.params.get("expires"));
}

describe("enforce: a device that does not subscribe", () => {
  test("is de-registered deadlineSeconds after its first 200; the P-CSCF is told, the UE cannot be", async () => {
    const { lab, ue } = await started();
    ue.register();
    lab.forget();
    const at = firstOk(lab, ue) + DEADLINE * 1000;
    expect(lab.atScscf(ue.user)).toMatchObject([{ subscriptionDeadlineAt: at }]);
    expectGoneAt(lab, ue, at);
    expect(ue.news()).toEqual([]);
    expect(lab.logs.scscf.named("deregistration.nobody-subscribed")).toHaveLength(1);
    expect(lab.logs.scscf.named("registration.removed")).toMatchObject([
      { cause: "not-subscribed" },
    ]);
    // It never subscribed at the P-CSCF: an initial SUBSCRIBE with Expires 0 names the user.
    expect(toldToPcscf(lab, ue)).toEqual(["SUBSCRIBE with Expires 0"]);
    expect(lab.passed("200 SUBSCRIBE", "P-CSCF", "S-CSCF")).toHaveLength(1);
    await expectGone(lab, ue);
  });

  test("refresh REGISTERs do not start the clock again", async () => {
    const { lab, ue } = await started();
    ue.register();
    const at = firstOk(lab, ue) + DEADLINE * 1000;
    for (let refresh = 0; refresh < 3; refresh++) {
      lab.pass(9);
      expect(ue.register().status).toBe(200);
    }
    expectGoneAt(lab, ue, at);
  });

  test("neither does a fetch, which is no subscription", async () => {
    const { lab, ue } = await started();
    ue.register();
    lab.pass(10);
    expect(ue.subscribe(REG_PACKAGE, 0).status).toBe(200);
    expectGoneAt(lab, ue, firstOk(lab, ue) + DEADLINE * 1000);
  });

  test("a SUBSCRIBE at the last moment stops it", async () => {
    const { lab, ue } = await started();
    ue.register();
    lab.pass(DEADLINE - 0.1);
    expect(ue.subscribe().status).toBe(200);
    lab.pass(600);
    expect(lab.atScscf(ue.user)).toMatchObject([{ subscriptionDeadlineAt: null }]);
  });

  test("ts24229, enforced: the P-CSCF hears of it by its own subscription", async () => {
    const { lab, ue } = await started({
      profile: "ts24229",
      scscf: { "subscription.duty": "enforce" },
    });
    ue.register();
    lab.pass(1);
    lab.forget();
    expectGoneAt(lab, ue, firstOk(lab, ue) + 120_000);
    expect(toldToPcscf(lab, ue)).toEqual(["NOTIFY expired, terminated noresource"]);
    await expectGone(lab, ue);
  });
});

describe("enforce: a subscription that is lost later starts the clock again", () => {
  async function subscribed(expires?: number): Promise<{ lab: Lab; ue: ScriptedUe }> {
    const { lab, ue } = await started({ scscf: { "subscription.raiseOwn": false } });
    ue.register();
    expect(ue.subscribe(undefined, expires).status).toBe(200);
    lab.pass(100);
    ue.news();
    return { lab, ue };
  }
  const lostAt = (lab: Lab): number => {
    const [binding] = lab.atScscf("bob");
    expect(binding?.subscription).toBeNull();
    return (binding?.subscriptionDeadlineAt ?? 0) - DEADLINE * 1000;
  };

  test("unsubscribed", async () => {
    const { lab, ue } = await subscribed();
    ue.subscribe(undefined, 0);
    expect(ue.news()).toMatchObject([{ state: "terminated timeout" }]);
    expect(lab.clock.now() - lostAt(lab)).toBeLessThan(25);
    expectGoneAt(lab, ue, lostAt(lab) + DEADLINE * 1000);
    await expectGone(lab, ue);
  });

  test("a NOTIFY answered 481", async () => {
    const { lab, ue } = await subscribed();
    ue.peer.answers = () => 481;
    ue.subscribe();
    lab.pass(0.1);
    const lost = lostAt(lab);
    expect(lab.clock.now() - lost).toBeLessThan(150);
    expectGoneAt(lab, ue, lost + DEADLINE * 1000);
  });

  test("run out: never renewed", async () => {
    const { lab, ue } = await subscribed(150);
    lab.pass(49);
    expect(lab.atScscf("bob")).toMatchObject([{ subscriptionDeadlineAt: null }]);
    lab.pass(2);
    expect(ue.news()).toMatchObject([{ state: "terminated timeout" }]);
    expectGoneAt(lab, ue, lostAt(lab) + DEADLINE * 1000);
  });

  test("a refresh REGISTER in between changes nothing, a new SUBSCRIBE does", async () => {
    const { lab, ue } = await subscribed();
    ue.subscribe(undefined, 0);
    const lost = lostAt(lab);
    lab.pass(20);
    ue.register();
    expect(lostAt(lab)).toBe(lost);
    lab.pass(11);
    expect(ue.subscribe(REG_PACKAGE).status).toBe(200);
    lab.pass(100);
    expect(lab.atScscf("bob")).toMatchObject([{ subscriptionDeadlineAt: null }]);
  });

  test("one of two subscriptions is enough", async () => {
    const { lab, ue } = await subscribed();
    ue.subscribe(REG_PACKAGE);
    ue.subscribe(undefined, 0);
    lab.pass(100);
    expect(lab.atScscf("bob")).toMatchObject([
      { subscriptionDeadlineAt: null, subscription: { package: REG_PACKAGE } },
    ]);
    ue.subscribe(REG_PACKAGE, 0);
    expectGoneAt(lab, ue, lostAt(lab) + DEADLINE * 1000);
  });
});

describe("warn and optional", () => {
  test("warn: one log line at the deadline, nothing else", async () => {
    const { lab, ue } = await started({ profile: "ts24229" });
    ue.register();
    passTo(lab, firstOk(lab, ue) + 120_000 - 1);
    expect(lab.logs.scscf.named("subscription.overdue")).toEqual([]);
    lab.pass(0.001);
    expect(lab.logs.scscf.named("subscription.overdue")).toMatchObject([{ impu: ue.impu }]);
    lab.pass(3600);
    expect(lab.logs.scscf.named("subscription.overdue")).toHaveLength(1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    expect(ue.message()).not.toBe(403);
  });

  test("optional: stays, and every 200 is capped so that it comes back soon", async () => {
    const { lab, ue } = await started({ user: "phone" });
    expect(granted(ue.register())).toBe(300);
    lab.pass(250);
    expect(granted(ue.register())).toBe(300);
    lab.pass(250);
    expect(granted(ue.ask({ expires: 120 }))).toBe(120);
    expect(lab.atScscf("phone")).toMatchObject([{ subscriptionDeadlineAt: null }]);
    lab.pass(120);
    expect(lab.atScscf("phone")).toEqual([]);
  });

  test("optional and subscribed: as long as it asks for; capped again once that is lost", async () => {
    const { lab, ue } = await started({ user: "phone" });
    ue.register();
    expect(ue.subscribe().status).toBe(200);
    expect(granted(ue.register())).toBe(600_000);
    ue.subscribe(undefined, 0);
    expect(granted(ue.register())).toBe(300);
    lab.pass(299);
    expect(lab.atScscf("phone")).toHaveLength(1);
  });
});
