// A new S-CSCF over the store of the old one: registrations, dialogs and deadlines go on.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { describe, expect, test } from "vitest";
import { keptStore } from "../contract/kept-store.ts";
import { BOB, Device, Lab, reginfoOf, rowsOf } from "../lab.ts";

test("bindings, subscription dialogs and an unacknowledged trigger survive", async () => {
  const store = keptStore();
  const first = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(first.lab, first.pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  const [initial] = first.pcscf.take("NOTIFY");
  first.pcscf.answers = () => undefined;
  first.lab.scscf.reauthentications.ask([...first.lab.scscf.bindings.all()], "operator");
  first.lab.run(100);
  await first.lab.scscf.endpoint.close();

  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  expect(lab.scscf.bindings.size).toBe(1);
  lab.run(600);
  const [trigger] = pcscf.take("NOTIFY");
  expect(trigger?.callId).toBe(initial?.callId);
  expect(trigger?.cseq.number).toBeGreaterThan((initial?.cseq.number ?? 0) + 1);
  expect(reginfoOf(trigger).version).toBeGreaterThan(1);
  expect(rowsOf(trigger)).toEqual(["bob shortened", "robert shortened"]);
  const again = lab.scscf.reauthentications.list()[0];
  expect(again).toMatchObject({ progress: "acknowledged" });
  lab.run(61_000);
  expect(lab.scscf.reauthentications.list()[0]).toMatchObject({ end: "ignored" });
  expect(lab.scscf.bindings.size).toBe(0);
});

describe("Figure 4's subscriptions after a restart", () => {
  test("481 ends the old dialog, and another is made after five seconds, without any REGISTER", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store);
    const before = new Device(first.lab, first.pcscf, "bob");
    before.register();
    before.subscribe(OWN_PACKAGE, 3600);
    const [old] = first.pcscf.take("SUBSCRIBE");
    if (old === undefined) throw new Error("no SUBSCRIBE");

    const { lab, pcscf } = await first.lab.restarted(1000, store.reopened());
    const notify = lab.request(pcscf, "NOTIFY", "sip:10.1.0.2:6060", BOB, [
      ["Call-ID", old.callId],
      ["From", `${old.text("To") ?? ""};tag=peer`],
      ["To", old.text("From") ?? ""],
      ["Event", OWN_PACKAGE],
      ["Subscription-State", "active;expires=600"],
    ]);
    expect(lab.exchange(pcscf, notify).status).toBe(481);
    lab.run(4900);
    expect(pcscf.take("SUBSCRIBE")).toEqual([]);
    lab.run(200);
    const [anew, ...more] = pcscf.take("SUBSCRIBE");
    expect(more).toEqual([]);
    expect(anew?.callId).not.toBe(old.callId);
    expect(anew?.requestUri).toEqual(old.requestUri);
    expect(anew?.text("Event")).toBe(OWN_PACKAGE);
    expect(anew?.to.params.has("tag")).toBe(false);
  });

  test("none for a device that has not subscribed yet, whose duty runs on", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store);
    new Device(first.lab, first.pcscf, "bob").register();
    const { lab, pcscf } = await first.lab.restarted(1000, store.reopened());
    lab.run(6000);
    expect(pcscf.take("SUBSCRIBE")).toEqual([]);
  });
});

describe("deadlines keep their wall-clock time over a restart", () => {
  const own = "--pcscf.subscribe=false";

  test("the duty to subscribe ends when it would have ended", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store, own);
    new Device(first.lab, first.pcscf, "bob").register();
    const { lab } = await first.lab.restarted(10_000, store.reopened(), own);
    const by = [...lab.scscf.bindings.all()][0]?.duty;
    if (by?.state !== "owed") throw new Error("no duty");
    lab.run(by.by - lab.clock.now() - 1);
    expect(lab.scscf.bindings.size).toBe(1);
    lab.run(1);
    expect(lab.scscf.bindings.size).toBe(0);
  });

  test("what was due meanwhile gets `restart.graceSeconds`, and no more at the next restart", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store, own);
    const bob = new Device(first.lab, first.pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    first.pcscf.answers = () => undefined;
    first.lab.scscf.reauthentications.ask([...first.lab.scscf.bindings.all()], "operator");
    first.lab.run(100);

    const second = store.reopened();
    const grace = "--restart.graceSeconds=20";
    const { lab } = await first.lab.restarted(3_600_000, second, own, grace);
    expect(lab.log.named("store.loaded")).toMatchObject([{ bindings: 1, overdue: 1 }]);
    const due = lab.scscf.reauthentications.list()[0];
    expect(due).toMatchObject({ deadline: lab.clock.now() + 20_000 });
    lab.run(19_000);
    expect(lab.scscf.bindings.size).toBe(1);

    const third = await lab.restarted(2000, second.reopened(), own, grace);
    third.lab.run(1);
    expect(third.lab.scscf.bindings.size).toBe(0);
  });

  test("who authenticates within the grace is registered as before, and may have it again", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store, own);
    const bob = new Device(first.lab, first.pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const { lab, pcscf } = await first.lab.restarted(7_200_000, store.reopened(), own);
    const again = new Device(lab, pcscf, "bob");
    again.cseq = bob.cseq;
    expect(again.register().status).toBe(200);
    const [binding] = [...lab.scscf.bindings.all()];
    expect(binding).toMatchObject({ event: "refreshed" });
    expect(binding).not.toHaveProperty("hadGrace");
    expect(binding?.expiresAt).toBeGreaterThan(lab.clock.now() + 3_000_000);
  });

  test("a subscription that ran out meanwhile lives as long as the grace", async () => {
    const store = keptStore();
    const first = await Lab.startWith(store, own);
    const bob = new Device(first.lab, first.pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const { lab } = await first.lab.restarted(7_200_000, store.reopened(), own);
    expect(lab.scscf.notifier.size).toBe(1);
    expect([...lab.scscf.bindings.all()][0]?.duty.state).toBe("fulfilled");
  });
});

test("a NOTIFY that nobody had answered goes out again, with the next CSeq and version", async () => {
  const store = keptStore();
  const first = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(first.lab, first.pcscf, "bob");
  bob.register();
  first.pcscf.answers = ({ method }) => (method === "NOTIFY" ? undefined : 200);
  bob.subscribe(OWN_PACKAGE, 3600);
  const [lost] = first.pcscf.take("NOTIFY");

  const { lab, pcscf } = await first.lab.restarted(
    1000,
    store.reopened(),
    "--pcscf.subscribe=false",
  );
  lab.run(100);
  const [again, ...more] = pcscf.take("NOTIFY");
  expect(more).toEqual([]);
  expect(again?.callId).toBe(lost?.callId);
  expect(again?.cseq.number).toBe((lost?.cseq.number ?? 0) + 1);
  expect(reginfoOf(again).version).toBe(reginfoOf(lost).version + 1);
  expect(rowsOf(again)).toEqual(rowsOf(lost));
});

test("sequence numbers of a SIM never repeat", async () => {
  const store = keptStore();
  const first = await Lab.startWith(store);
  new Device(first.lab, first.pcscf, "sim").register({ silent: true });
  const mark = (await store.load()).sqnMarks.get("sim@ims.example") ?? 0;
  expect(mark).toBeGreaterThan(0);

  const second = store.reopened();
  const { lab, pcscf } = await first.lab.restarted(1000, second);
  new Device(lab, pcscf, "sim").register({ silent: true });
  // Behind the mark: none that the process before may have used.
  expect((await second.load()).sqnMarks.get("sim@ims.example")).toBeGreaterThan(mark);
});
