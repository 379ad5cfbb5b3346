// A new S-CSCF over the store of the old one: registrations, dialogs and deadlines go on.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
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

test("Figure 4's dialogs are not taken over: 481 ends the old one, the next REGISTER makes another", async () => {
  const store = keptStore();
  const first = await Lab.startWith(store);
  const before = new Device(first.lab, first.pcscf, "bob");
  before.register();
  before.subscribe(OWN_PACKAGE, 3600);
  const [old] = first.pcscf.take("SUBSCRIBE");
  if (old === undefined) throw new Error("no SUBSCRIBE");
  await first.lab.scscf.endpoint.close();

  const { lab, pcscf } = await Lab.startWith(store);
  const notify = lab.request(pcscf, "NOTIFY", "sip:10.1.0.2:6060", BOB, [
    ["Call-ID", old.callId],
    ["From", `${old.text("To") ?? ""};tag=peer`],
    ["To", old.text("From") ?? ""],
    ["Event", OWN_PACKAGE],
    ["Subscription-State", "active;expires=600"],
  ]);
  expect(lab.exchange(pcscf, notify).status).toBe(481);
  const bob = new Device(lab, pcscf, "bob");
  bob.cseq = before.cseq;
  expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(200);
  const [anew, ...more] = pcscf.take("SUBSCRIBE");
  expect(more).toEqual([]);
  expect(anew?.callId).not.toBe(old.callId);
  expect(anew?.requestUri).toEqual(old.requestUri);
});
