// Subscribers changed at run time: durable first, all or nothing, and what a REGISTER under way makes of it.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { seqOf } from "@ims-lab/common/ims/sqn";
import { describe, expect, test } from "vitest";
import { NotStored } from "../../src/provisioning/provisioning.ts";
import { readSubscriberBody } from "../../src/provisioning/read-json.ts";
import type { Store } from "../../src/store/store.ts";
import type { Subscriber } from "../../src/subscribers/subscriber.ts";
import { keptStore } from "../contract/kept-store.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { BOB, Device, DOMAIN, Lab, type Peer, rowsOf } from "../lab.ts";

const SIM = `sim@${DOMAIN}`;

function user(name: string, more: object = {}): Subscriber {
  const body = {
    impus: [`sip:${name}@${DOMAIN}`],
    auth: { scheme: "digest", password: "pw" },
    ...more,
  };
  const read = readSubscriberBody(`${name}@${DOMAIN}`, body, undefined);
  if (!("impi" in read)) throw new Error(read.join("\n"));
  return read;
}

async function started(store: TryingStore): Promise<{ lab: Lab; pcscf: Peer; bob: Device }> {
  const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
  return { lab, pcscf, bob: new Device(lab, pcscf, "bob") };
}

/** The change has gone as far as it can without the store. */
async function untilAsked(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function impis(lab: Lab): readonly string[] {
  return lab.scscf.directory.list(0, 99).map(({ impi }) => impi.replace(`@${DOMAIN}`, ""));
}

describe("what was changed is there after a restart", () => {
  test("added, replaced and removed; another file does not bring a removed one back", async () => {
    const store = tryingStore();
    const { lab } = await started(store);
    const { provisioning } = lab.scscf;
    await provisioning.put(user("zoe", { subscription: "optional" }));
    await provisioning.put(
      user("carol", { auth: { scheme: "digest", password: "new", algorithms: ["SHA-256"] } }),
    );
    await provisioning.remove(`phone@${DOMAIN}`);
    await provisioning.put(user("short"));
    await provisioning.remove(`short@${DOMAIN}`);
    const next = await started(store);
    expect(impis(next.lab)).toEqual(impis(lab));
    const found = next.lab.scscf.directory.byImpi(`carol@${DOMAIN}`);
    expect(found).toEqual(lab.scscf.directory.byImpi(`carol@${DOMAIN}`));
    expect(next.lab.scscf.directory.byImpi(`zoe@${DOMAIN}`)?.subscription).toBe("optional");
    expect([...(await store.load()).subscribers.keys()].sort()).toEqual(
      ["carol", "phone", "zoe"].map((name) => `${name}@${DOMAIN}`),
    );
  });

  test("AKA keys, OP and AMF as they were", async () => {
    const store = tryingStore();
    const { lab } = await started(store);
    const auth = {
      scheme: "aka",
      k: "1".repeat(32),
      op: "2".repeat(32),
      amf: "b9b9",
      algorithm: "AKAv2-SHA-256",
    };
    await lab.scscf.provisioning.put(user("sim", { auth }));
    const next = await started(store);
    const [before, after] = [lab, next.lab].map(({ scscf }) => scscf.directory.byImpi(SIM)?.auth);
    if (before?.scheme !== "aka" || after?.scheme !== "aka") throw new Error("no card");
    expect(after.opc.reveal()).toEqual(before.opc.reveal());
    expect([after.k.reveal(), after.op?.reveal(), after.amf, after.algorithm]).toEqual([
      before.k.reveal(),
      before.op?.reveal(),
      before.amf,
      before.algorithm,
    ]);
  });

  test("a registration whose subscriber was removed meanwhile ends at the start, its device is told", async () => {
    const store = tryingStore();
    const { lab, bob } = await started(store);
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    await lab.scscf.endpoint.close();
    await new Promise<void>((resolve) => {
      store.commit([{ table: "subscribers", id: `bob@${DOMAIN}`, value: { removed: true } }], () =>
        resolve(),
      );
    });
    const next = await started(store);
    next.lab.run(100);
    expect(next.lab.scscf.bindings.size).toBe(0);
    const [notify] = next.pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe("terminated;reason=rejected");
    expect(rowsOf(notify)).toEqual(["bob rejected"]);
  });

  test("a row of another form is refused by name, before anybody is served", async () => {
    const store = tryingStore();
    const value = {
      impus: [],
      auth: { scheme: "aka", algorithm: "?", k: "", opc: "", amf: "" },
    } as const;
    store.commit([{ table: "subscribers", id: "x@h", value }], () => undefined);
    await expect(started(store)).rejects.toThrow(/subscriber x@h is of no known form/);
  });
});

describe("a store that fails", () => {
  test("nothing has changed, and the registration stands", async () => {
    const store = tryingStore();
    const { lab, bob } = await started(store);
    bob.register();
    const before = impis(lab);
    store.problem = new Error("disk full");
    const { provisioning } = lab.scscf;
    await expect(provisioning.remove(`bob@${DOMAIN}`)).rejects.toThrow(NotStored);
    await expect(provisioning.put(user("zoe"))).rejects.toThrow("disk full");
    await expect(
      provisioning.putAll([{ subscriber: user("a") }, { subscriber: user("b") }]),
    ).rejects.toThrow(NotStored);
    expect(impis(lab)).toEqual(before);
    expect(lab.scscf.bindings.size).toBe(1);
    store.problem = undefined;
    expect(await provisioning.put(user("zoe"))).toBe("created");
  });

  test("removed, and the end of the registration cannot be kept: it ends as soon as it can", async () => {
    const store = tryingStore();
    const { lab, pcscf, bob } = await started(store);
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    store.holds = true;
    const removed = lab.scscf.provisioning.remove(`bob@${DOMAIN}`);
    await untilAsked();
    store.holds = false;
    store.letGo(); // the row is kept
    store.problem = new Error("disk full");
    await removed;
    expect([lab.scscf.directory.byImpi(`bob@${DOMAIN}`), lab.scscf.bindings.size]).toEqual([
      undefined,
      1,
    ]);
    store.problem = undefined;
    lab.run(2000);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(rowsOf(pcscf.take("NOTIFY").at(-1))).toEqual(["bob rejected", "robert rejected"]);
  });
});

describe("one after the other", () => {
  test("while one is being kept the next one waits for what it leaves", async () => {
    const store = tryingStore();
    const { lab } = await started(store);
    store.holds = true;
    const { provisioning } = lab.scscf;
    const results = [
      provisioning.put(user("zoe")),
      provisioning.put(user("zoe"), { isNew: true }),
      provisioning.remove(`zoe@${DOMAIN}`),
      provisioning.remove(`zoe@${DOMAIN}`),
    ];
    for (let turn = 0; turn < 5; turn++) {
      await untilAsked();
      store.letGo();
    }
    expect(await Promise.all(results)).toEqual(["created", undefined, [], undefined]);
  });

  test("a REGISTER whose commit is under way when he is removed: answered 200, then ended", async () => {
    const held: (() => void)[] = [];
    const behind = keptStore();
    const commit: Store["commit"] = (rows, done) => void held.push(() => behind.commit(rows, done));
    const store: Store = { commit, load: () => behind.load(), close: () => behind.close() };
    const { lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false");
    const bob = new Device(lab, pcscf, "bob");
    const removed = lab.scscf.provisioning.remove(`bob@${DOMAIN}`);
    await untilAsked();
    expect(() => bob.register()).toThrow(/no response/); // he is still there: the 200 waits for its commit
    expect(held).toHaveLength(2);
    held.shift()?.();
    await untilAsked();
    expect(lab.scscf.directory.byImpi(`bob@${DOMAIN}`)).toBeUndefined();
    held.shift()?.();
    lab.run();
    expect(pcscf.responses.at(-1)?.status).toBe(200);
    expect(held).toHaveLength(1);
    held.shift()?.();
    await removed;
    expect(lab.scscf.bindings.size).toBe(0);
  });
});

describe("many at once", () => {
  test("one commit; who is there with other data is named, and then nobody is added", async () => {
    const store = tryingStore();
    const { lab } = await started(store);
    const { provisioning } = lab.scscf;
    const all = ["a", "carol", "b"].map((name) => ({
      subscriber: user(name, { subscription: "warn" }),
    }));
    store.asked.length = 0;
    expect(await provisioning.putAll(all)).toEqual({
      refused: [{ at: 1, why: "is there already, with other data" }],
    });
    expect(await provisioning.putAll(all, { replace: true, isTrial: true })).toEqual({
      created: 2,
      replaced: 1,
      unchanged: 0,
    });
    expect([store.asked, lab.scscf.directory.byImpi(`a@${DOMAIN}`)]).toEqual([[], undefined]);
    expect(await provisioning.putAll(all, { replace: true })).toEqual({
      created: 2,
      replaced: 1,
      unchanged: 0,
    });
    expect(store.asked.map((rows) => rows.length)).toEqual([3]);
    expect(await provisioning.putAll(all)).toEqual({ created: 0, replaced: 0, unchanged: 3 });
  });

  test("a card's SQN: the next challenge is above it, and above it after a restart", async () => {
    const store = tryingStore();
    const { lab } = await started(store);
    const auth = { scheme: "aka", k: "1".repeat(32), opc: "2".repeat(32) };
    const sqn = 2 ** 40;
    await lab.scscf.provisioning.putAll([{ subscriber: user("card", { auth }), sqn }]);
    expect(store.asked.at(-1)?.map(({ table }) => table)).toEqual(["subscribers", "sqnMarks"]);
    const mark = (await store.load()).sqnMarks.get(`card@${DOMAIN}`) ?? 0;
    expect(seqOf(mark)).toBeGreaterThan(seqOf(sqn));
  });
});

test("JSON in the place of an entry: the same rules, and a path for each mistake", () => {
  const read = (body: unknown, before?: Subscriber) => readSubscriberBody("a@h", body, before);
  expect(read({ impus: ["x"], auth: { scheme: "digest" }, colour: 1 })).toEqual([
    "colour: unknown key, expected one of impi, impus, auth, subscription, policy",
    'impus[0]: "x", expected a sip:, sips: or tel: URI, at most 512 characters',
    "auth.password: missing, expected a password of at most 1000 characters, {n} in it only as a template's number",
  ]);
  expect(
    read({ impi: "b@h", impus: ["sip:a@h"], auth: { scheme: "digest", password: "x" } }),
  ).toEqual(['impi: "b@h", expected a@h, which the request is about']);
  expect(read([])).toEqual([
    "a list of 0, expected a mapping of impi, impus, auth, subscription, policy",
  ]);
  expect(read({ impus: ["sip:a@h"] })).toEqual([
    "auth: missing, expected a mapping of scheme, algorithm, algorithms, k, op, opc, amf, password",
  ]);
  let deep: object = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { auth: deep };
  expect(read(deep)).toHaveLength(3);
  const known = user("a");
  const kept = read({ impus: ["sip:a@h", { uri: "tel:+1555", barred: true }] }, known);
  expect(kept).toMatchObject({ impi: "a@h", auth: known.auth, impus: [{}, { barred: true }] });
});

test("rules of his own: kept over a restart, in force at once, and gone with him", async () => {
  const store = tryingStore();
  const { lab, bob } = await started(store);
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  const policy = [{ maxAgeSeconds: 60 }];
  await lab.scscf.provisioning.put(user("bob", { policy }));
  expect(lab.scscf.directory.hasOwnRules).toBe(true);
  lab.run(61_000);
  expect(lab.scscf.reauthentications.list()[0]?.cause).toMatch(/^policy:/);
  const next = await started(store);
  const [before, after] = [lab, next.lab].map(({ scscf }) =>
    scscf.directory.byImpi(`bob@${DOMAIN}`),
  );
  expect(after?.policy).toEqual(before?.policy);
  await lab.scscf.provisioning.remove(`bob@${DOMAIN}`);
  expect(lab.scscf.directory.hasOwnRules).toBe(false);
});

test("bob is not challenged for an old re-registration when only his duty changes", async () => {
  const { lab, pcscf } = await Lab.startWith(keptStore(), "--pcscf.subscribe=false");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  const before = lab.scscf.directory.byImpi(`bob@${DOMAIN}`);
  if (before === undefined) throw new Error("nobody");
  await lab.scscf.provisioning.put({ ...before, subscription: "optional" });
  expect(bob.register({ reuse: "00000002" }).status).toBe(200);
  const [binding] = lab.scscf.bindings.ofSet(before.impi);
  expect([binding?.mode, binding?.impu]).toEqual(["optional", BOB]);
});
