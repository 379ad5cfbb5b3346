// A new S-CSCF over the store of the old one: registrations, dialogs and deadlines go on. Design §8.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { memoryStore } from "../../src/store/memory-store.ts";
import { Device, Lab, reginfoOf, rowsOf } from "../lab.ts";

test("bindings, subscription dialogs and an unacknowledged trigger survive", async () => {
  const store = memoryStore();
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
