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

test("the NOTIFY that tells of a success leaves behind its 200, when both are durable", async () => {
  const store = tryingStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  lab.run(6000);
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
  lab.run();
  pcscf.take("NOTIFY");
  const answered = pcscf.responses.length;
  holdSuccess(store);
  expect(() => bob.register({ integrity: "ip-assoc-yes" })).toThrow("no response");
  expect(pcscf.take("NOTIFY")).toEqual([]);
  // A NOTIFY that leaves meanwhile would have this number.
  const row = store.asked.at(-1)?.find(({ table }) => table === "subscriptions");
  expect(row?.value).toMatchObject({ version: 3, dialog: { localCseq: 3 } });
  store.holds = false;
  store.letGo();
  lab.run();
  expect(pcscf.responses.slice(answered).map(({ status }) => status)).toEqual([401, 200]);
  expect(pcscf.take("NOTIFY").map(({ cseq }) => cseq.number)).toEqual([3]);
});

test("a success that cannot be made durable takes no number: the next NOTIFY has it", async () => {
  const store = tryingStore();
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  lab.run(6000);
  lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
  lab.run();
  pcscf.take("NOTIFY");
  store.problem = new Error("disk full");
  expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(500);
  lab.run();
  expect(pcscf.take("NOTIFY")).toEqual([]);
  store.problem = undefined;
  expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(200);
  lab.run();
  expect(pcscf.take("NOTIFY").map(({ cseq }) => cseq.number)).toEqual([3]);
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
