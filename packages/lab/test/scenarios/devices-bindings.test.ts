// Several devices of one user, and the rules of RFC 3261 §10.3 that keep their bindings apart.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { contactsOf } from "../../../pcscf/src/bindings/binding.ts";
import { expectGone, expectNothingLeft, passTo, TRUSTING_BOTH } from "./end-state.ts";
import { Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ scscf: TRUSTING_BOTH });
});
const contacts = (): readonly string[] => lab.atScscf("bob").map(({ contact }) => contact);
const atPcscf = (): readonly string[] => lab.atPcscf("bob").map(({ contact }) => contact);

describe("two devices of one user, one gone", () => {
  let first: ScriptedUe;
  let second: ScriptedUe;
  beforeEach(async () => {
    first = await ScriptedUe.subscribed(lab, "bob");
    second = await ScriptedUe.subscribed(lab, "bob", { event: REG_PACKAGE });
    lab.pass(6); // the news of the second device is spaced (RFC 3680 §4.10)
    first.news();
    second.news();
    expect(contacts()).toEqual([first.contactUri, second.contactUri]);
  });

  /** `gone` was told the end; `left` sees the contact terminated, and its subscription stays. */
  function expectOneGone(gone: ScriptedUe, left: ScriptedUe, event: string): void {
    expect(contacts()).toEqual([left.contactUri]);
    expect(atPcscf()).toEqual([left.contactUri]);
    expect(gone.message()).toBe(403);
    expect(left.message()).not.toBe(403);
    const [news] = left.news();
    expect(news).toMatchObject({ state: "active", registration: "active" });
    expect(news?.contacts.get(gone.contactUri)).toBe(event);
    expect(news?.contacts.get(left.contactUri)).not.toBe(event);
    lab.pass(600);
    expect(lab.atScscf("bob")).toMatchObject([
      { subscriptionDeadlineAt: null, subscription: { callId: expect.any(String) } },
    ]);
  }

  test("by its own Expires 0", () => {
    expect(first.register({ expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(first.news()).toMatchObject([{ state: "terminated noresource", event: "unregistered" }]);
    expectOneGone(first, second, "unregistered");
  });

  test("by an ignored re-authentication of that device alone", () => {
    const [binding] = lab.scscf.bindings.ofSet(first.impi);
    if (binding === undefined) throw new Error("no binding");
    lab.scscf.reauthentications.ask([binding], "operator");
    lab.pass(0.1);
    expect(first.news()).toMatchObject([{ event: "shortened" }]);
    // The other device hears of it and is not asked itself.
    const [heard] = second.news();
    expect(heard?.contacts.get(first.contactUri)).toBe("shortened");
    expect(heard?.contacts.get(second.contactUri)).not.toBe("shortened");
    expect(lab.reauthentications).toHaveLength(1);
    lab.pass(60.1);
    expect(lab.onlyEnd).toBe("ignored");
    expect(first.news()).toMatchObject([{ state: "terminated noresource", event: "expired" }]);
    expectOneGone(first, second, "expired");
  });

  test("because its subscription was lost: the other's does not stand in for it", () => {
    second.subscribe(REG_PACKAGE, 0);
    second.news();
    const by = lab.atScscf("bob").find(({ contact }) => contact === second.contactUri);
    passTo(lab, (by?.subscriptionDeadlineAt ?? 0) + 100);
    expect(second.news()).toEqual([]);
    expectOneGone(second, first, "expired");
  });

  test("asked for the user: one object per device under one request, each with its own end", () => {
    lab.askByScscf("bob");
    lab.pass(0.1);
    const requests = lab.scscf.reauthentications.list().map(({ requestId }) => requestId);
    expect(requests).toHaveLength(2);
    expect(new Set(requests).size).toBe(1);
    expect(second.register().status).toBe(200);
    lab.pass(60);
    const ends = lab.reauthentications.map(({ contact, end }) => [contact, end]);
    expect(new Map(ends.map(([contact, end]) => [contact, end]))).toEqual(
      new Map([
        [first.contactUri, "ignored"],
        [second.contactUri, "reauthenticated"],
      ]),
    );
    expect(contacts()).toEqual([second.contactUri]);
  });

  test("the last one goes too: every subscription ends", async () => {
    first.register({ expires: 0 });
    lab.pass(1);
    second.register({ expires: 0 });
    lab.pass(0.1);
    expect(second.news().at(-1)).toMatchObject({
      state: "terminated noresource",
      registration: "terminated",
    });
    await expectGone(lab, second);
  });

  test("`*`: all devices of the user, at both nodes", () => {
    expect(first.register({ contact: "*", expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(contacts()).toEqual([]);
    expect(atPcscf()).toEqual([]);
    expect(first.news()).toMatchObject([{ state: "terminated noresource", event: "unregistered" }]);
    expect(second.news().at(-1)).toMatchObject({
      state: "terminated noresource",
      event: "unregistered",
    });
    lab.pass(33);
    expectNothingLeft(lab);
  });
});

describe("contacts.maxPerImpi", () => {
  test("the oldest makes room and is told to come back", async () => {
    lab = await Lab.start({ scscf: { "contacts.maxPerImpi": 2 } });
    const oldest = await ScriptedUe.subscribed(lab, "bob");
    const second = await ScriptedUe.subscribed(lab, "bob");
    lab.pass(6);
    oldest.news();
    const third = await ScriptedUe.start(lab, "bob");
    expect(third.register().status).toBe(200);
    lab.pass(0.1);
    expect(contacts()).toEqual([second.contactUri, third.contactUri]);
    expect(oldest.news().at(-1)).toMatchObject({
      state: "terminated deactivated",
      event: "deactivated",
    });
    expect(oldest.message()).toBe(403);
    // Known ones refresh without pushing anybody out.
    expect(second.register().status).toBe(200);
    expect(contacts()).toHaveLength(2);
  });
});

describe("two Contacts of one REGISTER, behind one Path", () => {
  let ue: ScriptedUe;
  let second: string;
  beforeEach(async () => {
    ue = await ScriptedUe.subscribed(lab, "bob");
    second = ue.contactUri.replace("bob@", "second@");
    expect(ue.register({ contact: `<${second}>, ${ue.contact}` }).status).toBe(200);
    expect(contacts()).toEqual([ue.contactUri, second]);
    expect([...lab.pcscf.table.all()].flatMap(contactsOf).map(({ contact }) => contact)).toEqual([
      second,
      ue.contactUri,
    ]);
  });

  test("one ends at its deadline: the other is registered at both nodes", () => {
    lab.pass(33); // nobody has subscribed for it
    expect(contacts()).toEqual([ue.contactUri]);
    expect(ue.message()).not.toBe(403);
    expect(ue.register().status).toBe(200);
    expect(atPcscf()).toEqual([ue.contactUri]);
  });

  test("Figure 5 asks both", () => {
    expect(lab.askByPcscf("bob")).toBe("asked");
    lab.pass(0.1);
    const asked = lab.reauthentications.map(({ contact, cause }) => `${cause} ${contact}`);
    expect(asked.sort()).toEqual([`pcscf ${ue.contactUri}`, `pcscf ${second}`]);
  });

  test("the last one to go takes the Path with it", () => {
    ue.register({ contact: `<${second}>`, expires: 0 });
    lab.pass(1);
    expect(atPcscf()).toEqual([ue.contactUri]);
    expect(ue.message()).not.toBe(403); // over the Service-Route that came with the one that went
    ue.register({ expires: 0 });
    lab.pass(1);
    expect([contacts(), atPcscf()]).toEqual([[], []]);
    expect(ue.message()).toBe(403);
  });
});

describe("one device", () => {
  const INSTANCE = "urn:uuid:00000000-0000-4000-8000-000000000001";

  test("a reboot (new Call-ID, same instance, same address) replaces its binding", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob", { instance: INSTANCE });
    ue.callId = "after-the-reboot";
    ue.cseq = 0;
    expect(ue.register().status).toBe(200);
    expect(lab.atScscf("bob")).toMatchObject([{ callId: "after-the-reboot", cseq: ue.cseq }]);
    expect(atPcscf()).toEqual([ue.contactUri]);
  });

  test("a reboot at another address with the same instance replaces it at both nodes", async () => {
    const before = await ScriptedUe.subscribed(lab, "bob", { instance: INSTANCE });
    const after = await ScriptedUe.start(lab, "bob", { instance: INSTANCE });
    expect(after.ask().status).toBe(401);
    expect(contacts()).toEqual([before.contactUri]);
    expect(after.register().status).toBe(200);
    expect(contacts()).toEqual([after.contactUri]);
    expect(atPcscf()).toEqual([after.contactUri]);
    expect(before.message()).toBe(403);
    expect(after.message()).not.toBe(403);
  });

  test("the reboot of a device that owes a re-authentication counts as its attempt", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob", { instance: INSTANCE });
    lab.askByScscf("bob");
    lab.pass(0.1);
    ue.callId = "after-the-reboot";
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("too short: 423 with Min-Expires, and nothing changes", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob");
    const before = lab.atScscf("bob");
    const refused = ue.ask({ expires: 59 });
    expect(refused.status).toBe(423);
    expect(refused.text("Min-Expires")).toBe("60");
    expect(lab.atScscf("bob")).toEqual(before);
    expect(ue.ask({ expires: 60 }).status).toBe(200);
  });

  test("`*` with another Expires, or with another Contact beside it: 400", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob");
    expect(ue.ask({ contact: "*", expires: 60 }).status).toBe(400);
    expect(ue.ask({ contact: `*, ${ue.contact}`, expires: 0 }).status).toBe(400);
    expect(contacts()).toEqual([ue.contactUri]);
  });

  test("same Call-ID and a CSeq that is not higher: 500, the binding stays as it was", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob");
    const before = lab.atScscf("bob");
    ue.cseq -= 1;
    expect(ue.ask().status).toBe(500);
    ue.cseq -= 2;
    expect(ue.register({ expires: 0 }).status).toBe(500);
    expect(lab.atScscf("bob")).toEqual(before);
    expect(atPcscf()).toEqual([ue.contactUri]);
  });

  test("both packages at once: the trigger goes out in the own one alone", async () => {
    const ue = await ScriptedUe.subscribed(lab, "bob");
    ue.subscribe(REG_PACKAGE);
    lab.pass(6);
    ue.news();
    lab.askByScscf("bob");
    lab.pass(0.1);
    const shortened = ue.news().filter(({ event }) => event === "shortened");
    expect(shortened.map(({ notify }) => notify.text("Event"))).toEqual([OWN_PACKAGE]);
    ue.register();
    lab.pass(6);
    const refreshed = ue.news().filter(({ event }) => event === "refreshed");
    expect(refreshed.map(({ notify }) => notify.text("Event")).sort()).toEqual([
      OWN_PACKAGE,
      REG_PACKAGE,
    ]);
  });
});
