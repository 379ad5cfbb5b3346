// Nothing acknowledged is lost: a new state is durable before the answer that announces it leaves.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, Lab } from "../lab.ts";

function slowStore(): TryingStore {
  const store = tryingStore();
  store.holds = true;
  return store;
}

test("the 200 to REGISTER waits for the store", async () => {
  const store = slowStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  expect(() => bob.register()).toThrow("no response");
  expect(store.waiting).toBe(1);
  expect(pcscf.responses.map(({ status }) => status)).toEqual([401]);
  store.letGo();
  lab.run();
  expect(pcscf.responses.map(({ status }) => status)).toEqual([401, 200]);
});

test("what cannot be made durable is not announced: 500", async () => {
  const store = slowStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  expect(() => bob.register()).toThrow("no response");
  store.problem = new Error("disk full");
  store.letGo();
  lab.run();
  expect(pcscf.responses.at(-1)?.status).toBe(500);
  expect(lab.log.named("store.failed")).toHaveLength(1);
});

test("a trigger is durable as an intent before its NOTIFY leaves", async () => {
  const store = slowStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  const settle = (): void => {
    for (let turn = 0; turn < 5; turn++) {
      store.letGo();
      lab.run();
    }
  };
  expect(() => bob.register()).toThrow("no response");
  settle();
  bob.serviceRoute = pcscf.responses.at(-1)?.text("Service-Route") ?? "";
  expect(() => bob.subscribe(OWN_PACKAGE, 3600)).toThrow("no response");
  settle();
  pcscf.take("NOTIFY");
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
  lab.run();
  expect(pcscf.take("NOTIFY")).toHaveLength(0);
  settle();
  expect(pcscf.take("NOTIFY")).toHaveLength(1);
});
