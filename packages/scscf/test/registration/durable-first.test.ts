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

/** The next commit of a binding without re-authentication waits. */
function holdSuccess(store: TryingStore): void {
  const { commit } = store;
  store.commit = (changes, done) => {
    store.holds ||= changes.some(
      (change) => change.table === "bindings" && change.value?.reauthentication === undefined,
    );
    commit(changes, done);
  };
}

test("asked while its success is not durable yet: that success is the answer, no second one begins under its id", async () => {
  const store = tryingStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  const { reauthentications, bindings } = lab.scscf;
  const [first] = reauthentications.ask([...bindings.all()], "operator");
  lab.run();
  pcscf.take("NOTIFY");
  holdSuccess(store);
  expect(() => bob.register({ integrity: "ip-assoc-yes" })).toThrow("no response");
  const [second] = reauthentications.ask([...bindings.all()], "pcscf");
  expect(second).toEqual({ isNew: false, id: first?.id });
  store.holds = false;
  store.letGo();
  lab.run();
  expect(reauthentications.list()).toHaveLength(1);
  expect(reauthentications.get(first?.id ?? "")).toMatchObject({ end: "reauthenticated" });
  expect(reauthentications.runningCount).toBe(0);
  expect([...bindings.all()][0]?.reauthentication).toBeUndefined();
});

test("asked twice before it is durable: the second asking joins the first", async () => {
  const store = tryingStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  store.holds = true;
  const { reauthentications, bindings } = lab.scscf;
  const [first] = reauthentications.ask([...bindings.all()], "operator");
  const [second] = reauthentications.ask([...bindings.all()], "pcscf");
  expect(second).toEqual({ isNew: false, id: first?.id });
  store.holds = false;
  store.letGo();
  lab.run();
  expect(reauthentications.list()).toMatchObject([
    { id: first?.id, askers: [{ cause: "operator" }, { cause: "pcscf" }] },
  ]);
});
