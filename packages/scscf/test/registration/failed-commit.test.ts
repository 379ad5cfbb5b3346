// A change that cannot be made durable has not happened: no row, no timer, no word to anybody; what nobody waits for is tried again.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import type { Binding } from "../../src/registration/binding.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, Lab, type Peer, reginfoOf } from "../lab.ts";

const FULL = new Error("disk full");

let store: TryingStore;
let lab: Lab;
let pcscf: Peer;
let bob: Device;

beforeEach(async () => {
  store = tryingStore();
  ({ lab, pcscf } = await Lab.startWith(store));
  bob = new Device(lab, pcscf, "bob");
});

/** All that anybody could see of it. */
async function everything(): Promise<unknown> {
  return structuredClone({
    table: [...lab.scscf.bindings.all()],
    sets: [...lab.scscf.bindings.sets()],
    kept: await store.load(),
    timers: lab.clock.pending,
    requests: pcscf.requests.length,
    running: lab.scscf.reauthentications.list(),
    logged: lab.log.named("registration.bound").length,
  });
}

/** Transactions keep timers of their own for 32 s. */
function settle(): void {
  lab.run(40_000);
}

describe.each(["fails", "throws"])("a store that %s", (how) => {
  const broken = (isBroken: boolean): void => {
    store.problem = isBroken ? FULL : undefined;
    store.throws = isBroken && how === "throws";
  };

  test("the first REGISTER: 500, and nothing has happened", async () => {
    bob.register({ silent: true });
    settle();
    const before = await everything();
    broken(true);
    expect(bob.register().status).toBe(500);
    settle();
    expect(await everything()).toEqual(before);
    expect(lab.scscf.bindings.isPathHop("192.0.2.10", 4060)).toBe(false);
    expect(lab.log.named("store.failed").length).toBeGreaterThan(0);
    broken(false);
    expect(bob.register().status).toBe(200);
    expect(lab.scscf.bindings.size).toBe(1);
  });

  test.each<[string, () => void]>([
    ["a refresh", () => expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(500)],
    [
      "a second device",
      () => expect(new Device(lab, pcscf, "bob", "2").register().status).toBe(500),
    ],
    ["its end", () => expect(bob.register({ expires: 0 }).status).toBe(500)],
    ["the end of all", () => expect(bob.register({ expires: 0, contact: "*" }).status).toBe(500)],
    ["its own subscription", () => expect(bob.subscribe("reg", 3600).status).toBe(500)],
  ])("%s: 500, and everything is as it was", async (_what, act) => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    settle();
    const before = await everything();
    broken(true);
    act();
    lab.run(10_000);
    expect(await everything()).toEqual({ ...(before as object), timers: expect.any(Number) });
  });

  test("a refreshed subscription goes on as it was, and so does its order", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const [dialog] = pcscf.take("NOTIFY");
    const before = structuredClone(subscriptions());
    const again = (cseq: number, expires: number): number =>
      bob.subscribe(OWN_PACKAGE, expires, [
        ["To", dialog?.text("From") ?? ""],
        ["CSeq", `${cseq} SUBSCRIBE`],
      ]).status;
    for (const expires of [600, 0]) {
      broken(true);
      expect(again(2, expires)).toBe(500);
      expect(subscriptions()).toEqual(before);
      expect(pcscf.take("NOTIFY")).toEqual([]);
      broken(false);
    }
    expect(again(3, 600)).toBe(200);
    const [next] = pcscf.take("NOTIFY");
    expect(reginfoOf(next).version).toBe(reginfoOf(dialog).version + 1);
  });

  const subscriptions = (): unknown => {
    const [binding] = lab.scscf.bindings.all();
    return binding && lab.scscf.notifier.subscriptionsOf(binding);
  };

  test("RFC 3261 §10.3: a deadline ends service at once; what follows from it comes when it is durable, tried each second", async () => {
    bob.register({ expires: 3600 });
    bob.subscribe(OWN_PACKAGE, 600_000);
    lab.run(3_590_000);
    const [binding] = lab.scscf.bindings.all();
    pcscf.take("NOTIFY");
    broken(true);
    const before = store.asked.length;
    lab.run((binding?.expiresAt ?? 0) - lab.clock.now() + 5_500);
    expect(lab.scscf.bindings.size).toBe(0);
    expect([...lab.scscf.bindings.ofSet(binding?.set ?? "")]).toEqual([]);
    expect((await store.load()).bindings.size).toBe(1);
    expect(pcscf.take("NOTIFY")).toEqual([]);
    expect(lab.log.named("registration.removed")).toEqual([]);
    const tries = store.asked.length - before;
    expect(tries).toBeGreaterThanOrEqual(5);
    expect(tries).toBeLessThan(10);
    expect(lab.log.named("store.failed")).toHaveLength(1);
    expect(lab.log.named("store.resumed")).toEqual([]);
    broken(false);
    lab.run(1_000);
    expect(lab.log.named("store.resumed")).toMatchObject([{ failed: tries }]);
    expect(lab.scscf.bindings.size).toBe(0);
    expect((await store.load()).bindings.size).toBe(0);
    expect(lab.log.named("registration.removed")).toHaveLength(1);
    const [over, ...more] = pcscf.take("NOTIFY");
    expect(over?.text("Subscription-State")).toContain("terminated");
    expect(more).toEqual([]);
  });

  test("whoever comes back meanwhile gets 500, and is new when the store works again", () => {
    bob.register({ expires: 3600 });
    lab.run(3_590_000);
    const [binding] = lab.scscf.bindings.all();
    broken(true);
    lab.run((binding?.expiresAt ?? 0) - lab.clock.now() + 100);
    expect(bob.register().status).toBe(500);
    expect(lab.scscf.bindings.size).toBe(0);
    broken(false);
    expect(bob.register().status).toBe(200);
    const [fresh] = lab.scscf.bindings.all();
    expect(fresh?.token).not.toBe(binding?.token);
    expect(lab.log.named("registration.removed")).toHaveLength(1);
  });

  test("a re-authentication that ran runs until its end is durable, and has one", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const { reauthentications, bindings } = lab.scscf;
    const [asked] = reauthentications.ask([...bindings.all()], "operator");
    lab.run(1_000);
    broken(true);
    lab.run(100_000);
    expect(bindings.size).toBe(0);
    expect(reauthentications.get(asked?.id ?? "")?.progress).not.toBe("ended");
    expect(reauthentications.runningCount).toBe(1);
    broken(false);
    lab.run(2_000);
    expect(reauthentications.runningCount).toBe(0);
    expect(reauthentications.list()).toMatchObject([{ id: asked?.id, end: "ignored" }]);
  });

  test("RFC 3261 §12.2.1.1: a NOTIFY leaves when its number is durable", async () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const second = new Device(lab, pcscf, "bob", "2");
    second.register();
    second.subscribe(OWN_PACKAGE, 3600);
    settle();
    pcscf.take("NOTIFY");
    expect(second.register({ integrity: "ip-assoc-yes" }).status).toBe(200);
    const [first] = lab.scscf.bindings.all();
    broken(true);
    lab.scscf.notifier.on({ kind: "shown", binding: first as Binding });
    lab.run(8_000);
    expect(pcscf.take("NOTIFY")).toEqual([]);
    broken(false);
    lab.run(1_100);
    const left = pcscf.take("NOTIFY");
    expect(left.length).toBeGreaterThan(0);
    const { subscriptions } = await store.load();
    for (const notify of left) {
      const row = subscriptions.get(notify.from.params.get("tag") ?? "");
      expect(row?.dialog.localCseq).toBeGreaterThanOrEqual(notify.cseq.number);
    }
  });

  test("a trigger leaves when it is durable, once", () => {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    broken(true);
    lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.run(3_000);
    expect(pcscf.take("NOTIFY")).toEqual([]);
    expect(lab.log.named("reauthentication.requested")).toEqual([]);
    broken(false);
    lab.run(1_100);
    expect(pcscf.take("NOTIFY").length).toBeGreaterThan(0);
    expect(lab.log.named("reauthentication.requested")).toHaveLength(1);
  });

  test("an operator's removal happens as soon as it can", () => {
    bob.register();
    broken(true);
    const [binding] = lab.scscf.bindings.all();
    const input = { kind: "removed", at: lab.clock.now(), cause: { kind: "rejected" } } as const;
    lab.scscf.registrations.input(binding?.token ?? "", input);
    expect(lab.scscf.bindings.size).toBe(1);
    expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(500);
    broken(false);
    // What comes next finds it done: no registration that was to end lives on by a refresh.
    expect(bob.register({ integrity: "ip-assoc-yes" }).status).toBe(200);
    const [fresh] = lab.scscf.bindings.all();
    expect(fresh?.token).not.toBe(binding?.token);
  });
});

describe("a store that takes its time", () => {
  const send = (device: Device): void => {
    expect(() => device.register()).toThrow("no response");
  };

  test("a second REGISTER for the binding begins from what the first has left", async () => {
    store.holds = true;
    send(bob);
    bob.cseq += 10;
    send(bob);
    expect(store.waiting).toBe(1);
    expect(lab.scscf.bindings.size).toBe(0);
    store.letGo();
    lab.run();
    store.holds = false;
    store.letGo();
    lab.run();
    const { bindings } = await store.load();
    expect(bindings.size).toBe(1);
    expect([...lab.scscf.bindings.all()]).toEqual([...bindings.values()]);
    expect(store.asked.flat().filter(({ table }) => table === "bindings").length).toBeGreaterThan(
      0,
    );
  });

  test("after a first that failed the second is the first", async () => {
    store.holds = true;
    send(bob);
    bob.cseq += 10;
    send(bob);
    store.problem = FULL;
    store.letGo();
    store.problem = undefined;
    lab.run();
    store.letGo();
    lab.run();
    const statuses = pcscf.responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 500)).toHaveLength(1);
    expect([...lab.scscf.bindings.all()]).toEqual([...(await store.load()).bindings.values()]);
  });

  test("a SUBSCRIBE waits for the registration that it is about", () => {
    store.holds = true;
    send(bob);
    const refresh = (): unknown => bob.subscribe(OWN_PACKAGE, 3600);
    expect(refresh).toThrow("no response"); // it would be 480 without
    store.holds = false;
    store.letGo();
    lab.run();
    expect(pcscf.responses.map(({ status }) => status)).toEqual([401, 200, 200]);
    expect(lab.scscf.notifier.size).toBe(1);
  });

  test("other users do not wait", () => {
    store.holds = true;
    send(bob);
    send(new Device(lab, pcscf, "carol"));
    expect(store.waiting).toBe(2);
  });

  test("a deadline that comes while a subscription is pending waits for nothing", () => {
    bob.register({ expires: 3600 });
    bob.subscribe(OWN_PACKAGE, 600_000);
    const [binding] = lab.scscf.bindings.all();
    lab.run((binding?.expiresAt ?? 0) - lab.clock.now() - 50);
    store.holds = true;
    expect(() => bob.subscribe("reg", 3600)).toThrow("no response");
    lab.run(1_000);
    expect(lab.scscf.bindings.size).toBe(0);
    store.letGo();
    expect(lab.scscf.bindings.size).toBe(0);
    store.holds = false;
    store.letGo();
    lab.run(1_000);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(lab.log.named("registration.removed")).toHaveLength(1);
  });

  test("a deadline that comes while a refresh is pending finds it refreshed", () => {
    bob.register({ expires: 3600 });
    bob.subscribe(OWN_PACKAGE, 600_000);
    const [binding] = lab.scscf.bindings.all();
    lab.run((binding?.expiresAt ?? 0) - lab.clock.now() - 50);
    store.holds = true;
    expect(() => bob.register({ integrity: "ip-assoc-yes" })).toThrow("no response");
    lab.run(1_000);
    // Its time is over, and whether it has got more is not durable.
    expect(lab.scscf.bindings.size).toBe(0);
    store.letGo();
    lab.run(1_000);
    expect([...lab.scscf.bindings.all()].map(({ token }) => token)).toEqual([binding?.token]);
    expect(lab.log.named("registration.removed")).toEqual([]);
  });
});
