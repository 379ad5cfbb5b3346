// Bindings whose time is over together: one commit for many, each set's events behind it; and none is shown while it is late.
import { RowsLost } from "@ims-lab/common/store/cluster-port";
import { StoreLog } from "@ims-lab/common/store/store-log";
import { FAKE_EPOCH, FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Binding } from "../../src/registration/binding.ts";
import { dueAt } from "../../src/registration/binding-machine.ts";
import { Bindings } from "../../src/registration/bindings.ts";
import { RegistrationEvents } from "../../src/registration/events.ts";
import { Registrations } from "../../src/registration/registrations.ts";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, Lab, type Peer } from "../lab.ts";

const DUE = FAKE_EPOCH + 1000;
const PATH = ["<sip:t@192.0.2.10:4060;lr>"];

function bindingOf(n: number, set = `user${n}`): Binding {
  return {
    id: `c${n}`,
    token: `t${n}`,
    impi: set,
    set,
    impu: `sip:${set}@lab`,
    address: { contact: `sip:${n}@192.0.2.1`, params: "", path: PATH },
    callId: `call-${n}`,
    cseq: 1,
    registeredAt: FAKE_EPOCH,
    authenticatedAt: FAKE_EPOCH,
    expiresAt: DUE,
    event: "registered",
    mode: "optional",
    duty: { state: "none" },
  };
}

describe("many that are due at once", () => {
  const MANY = 100;
  let clock: FakeClock;
  let store: TryingStore;
  let bindings: Bindings;
  let registrations: Registrations;
  let told: string[];

  beforeEach(() => {
    clock = new FakeClock();
    store = tryingStore();
    bindings = new Bindings();
    told = [];
    const events = new RegistrationEvents();
    events.deliverTo({
      teller: {
        on: (event) => {
          if (event.kind !== "removed" && event.kind !== "registered") return;
          const { token } = event.binding;
          if (event.kind === "removed") expect(bindings.get(token)).toBeUndefined();
          told.push(`${event.kind} ${token}`);
        },
      },
    });
    registrations = new Registrations({
      clock,
      store,
      bindings,
      events,
      context: {
        subscriptionDeadlineMs: 32_000,
        reauthentication: { deadlineMs: 60_000, awaitMs: 240_000, onRefused: "wait" },
      },
      onRemoved: () => undefined,
      storeLog: new StoreLog(memoryLogger(), clock),
    });
    for (let n = 0; n < MANY; n++) registrations.restore(bindingOf(n));
  });
  afterEach(() => registrations.close());

  const all = (what: string): string[] => Array.from({ length: MANY }, (_, n) => `${what} t${n}`);

  test("few commits, then the table, then the events, in the order of their time", () => {
    clock.advance(1000);
    expect(store.asked.length).toBeLessThanOrEqual(2);
    expect(store.asked.flat()).toEqual(
      Array.from({ length: MANY }, (_, n) => ({
        ...{ table: "bindings", id: `t${n}`, value: undefined, group: `user${n}` },
      })),
    );
    expect(bindings.size).toBe(0);
    expect(told).toEqual(all("removed"));
    expect(registrations.isQuiet).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test("a store that fails: gone from the table, nothing told, each tried again until it is durable", () => {
    store.problem = new Error("disk full");
    clock.advance(1500);
    expect(bindings.size).toBe(0);
    expect(told).toEqual([]);
    expect(registrations.known("t7")).toMatchObject({ token: "t7" });
    expect(registrations.isSettled("user7")).toBe(false);
    store.problem = undefined;
    clock.advance(1000);
    expect([...told].sort()).toEqual(all("removed").sort());
    expect(registrations.known("t7")).toBeUndefined();
    expect(registrations.isQuiet).toBe(true);
  });

  test("where another node has one of them the others end all the same, at once", () => {
    const { commit } = store;
    store.commit = (changes, done) => {
      if (changes.some(({ id }) => id === "t7")) {
        registrations.drop("user7");
        done(new RowsLost("user7 is another node's"));
      } else commit(changes, done);
    };
    clock.advance(1000);
    expect(told).toEqual(all("removed").filter((one) => one !== "removed t7"));
    expect(bindings.size).toBe(0);
    expect(registrations.isQuiet).toBe(true);
  });

  test("what comes for one of them meanwhile waits until its end is durable and told", () => {
    store.holds = true;
    clock.advance(1000);
    expect(bindings.size).toBe(0);
    expect(told).toEqual([]);
    const binding = { ...bindingOf(500, "user7"), expiresAt: DUE + 60_000 };
    registrations.commit({ set: "user7", changes: [{ kind: "new", binding }] }, () =>
      told.push("answered"),
    );
    store.holds = false;
    store.letGo();
    expect(told.filter((one) => /t7$|t500|answered/.test(one))).toEqual([
      "removed t7",
      "answered",
      "registered t500",
    ]);
  });

  test("one whose set is busy, or has several devices, ends by itself", () => {
    registrations.restore(bindingOf(200, "user3"));
    store.holds = true;
    registrations.commit({ set: "user4", changes: [], rows: [mark()] }, () => undefined);
    clock.advance(1000);
    store.holds = false;
    while (store.waiting > 0) store.letGo();
    expect([...told].sort()).toEqual([...all("removed"), "removed t200"].sort());
    const own = store.asked.filter((changes) => changes.length === 1).flat();
    expect(own.map(({ id }) => id).sort()).toEqual(["t200", "t3", "t4", "user4"]);
  });

  const mark = () => ({ table: "sqnMarks", id: "user4", value: 1 }) as const;

  test("one that was refreshed comes at its new time, one that was moved twice comes once", () => {
    const accepted = { ...bindingOf(5), at: FAKE_EPOCH, newId: "c", authenticated: true };
    const to = (expiresAt: number): void =>
      registrations.input("t5", { kind: "registered", ...accepted, expiresAt });
    to(DUE + 5000);
    to(DUE - 500);
    to(DUE);
    clock.advance(1000);
    expect(told.filter((one) => one === "removed t5")).toEqual(["removed t5"]);
    expect(told).toHaveLength(MANY);
  });
});

describe("a deadline that has come and waits for its turn", () => {
  let lab: Lab;
  let pcscf: Peer;
  let bob: Device;

  beforeEach(async () => {
    ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
    bob = new Device(lab, pcscf, "bob");
    bob.register({ expires: 3600 });
    new Device(lab, pcscf, "carol").register({ expires: 600_000 });
    lab.run();
  });
  afterEach(() => vi.restoreAllMocks());

  /** Time goes on, and the node has not come to its timers yet. */
  function passTime(): Binding {
    const binding = [...lab.scscf.bindings.all()].find(({ impi }) => impi.startsWith("bob"));
    if (binding === undefined) throw new Error("not registered");
    vi.spyOn(lab.clock, "now").mockReturnValue(dueAt(binding));
    return binding;
  }

  test("no look-up shows the binding", () => {
    const { bindings } = lab.scscf;
    const pathUser = /sip:([^@]+)@/.exec([...bindings.all()][0]?.address.path[0] ?? "")?.[1] ?? "";
    expect(bindings.ofPath(pathUser).length).toBeGreaterThan(0);
    expect([bindings.size, bindings.setCount]).toEqual([2, 2]);
    const { token, set } = passTime();
    expect(bindings.get(token)).toBeUndefined();
    expect(bindings.ofServiceRoute(token)).toBeUndefined();
    expect(bindings.ofSet(set)).toEqual([]);
    expect(bindings.countOfSet(set)).toBe(0);
    expect(bindings.ofPath(pathUser).filter((one) => one.token === token)).toEqual([]);
    expect([...bindings.all()].map((one) => one.token)).not.toContain(token);
    expect([...bindings.sets()]).not.toContain(set);
    expect([bindings.size, bindings.setCount]).toEqual([1, 1]);
    expect(lab.log.named("registration.removed")).toEqual([]);
  });

  test("RFC 3261 §10.3: a REGISTER finds no binding; the old one ends before the new one begins", () => {
    const { token } = passTime();
    expect(bob.register({ expires: 3600 }).status).toBe(200);
    const [now] = lab.scscf.bindings.ofSet("bob@ims.example");
    expect(now?.token).not.toBe(token);
    const events = lab.log.events
      .map(({ event }) => event)
      .filter((event) => event === "registration.removed" || event === "registration.bound");
    expect(events.slice(2)).toEqual(["registration.removed", "registration.bound"]);
  });

  test("nobody can subscribe to it", () => {
    passTime();
    expect(bob.subscribe("reg", 3600).status).not.toBe(200);
    expect(lab.log.named("registration.removed")).toHaveLength(1);
  });
});
