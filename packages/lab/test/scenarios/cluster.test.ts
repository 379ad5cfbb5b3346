// Two S-CSCFs that share their users, one of which dies without a word: the P-CSCF and the devices go on with the other one. RFC 3263 §4.3.
import { openClusterRows } from "@ims-lab/common/store/cluster-rows";
import type { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { MemoryCluster } from "@ims-lab/common/testing/memory-cluster";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { expect, test } from "vitest";
import { reauthenticationView } from "../../../scscf/src/admin/reauthentication-view.ts";
import type { Scscf } from "../../../scscf/src/node.ts";
import { SHARED_TABLES, TABLES } from "../../../scscf/src/rows.ts";
import { impuOf, Lab, type LabOptions, type Ue } from "./lab.ts";
import { callUp, lastCall } from "./two-ues.ts";

const HOSTS = ["10.1.0.2", "10.1.0.3"] as const;
const NAME = "scscf.ims.example";
/** The lease of a dead node, and what its users' claim takes. */
const TAKEN_OVER_SECONDS = 8;

interface Two {
  readonly lab: Lab;
  readonly scscfs: readonly Scscf[];
  /** No word passes to or from it, be it SIP or to the store. Returns how to bring it back. */
  kill(at: number): () => void;
}

async function two(options: LabOptions = {}): Promise<Two> {
  const lines = new Map<string, { isCut: boolean }>();
  let time: FakeClock | undefined;
  let cluster: MemoryCluster | undefined;
  const partsOf: LabOptions["partsOf"] = async (host, clock) => {
    time = clock;
    cluster ??= new MemoryCluster(clock);
    const line = { isCut: false };
    lines.set(host, line);
    const shared = await openClusterRows({
      name: NAME,
      label: host,
      address: `${host}:6060`,
      url: "redis://lab",
      connect: cluster.connect(clock, line),
      tables: TABLES,
      shared: SHARED_TABLES,
      clock,
      nextTurn: (turn) => void clock.after(0, turn),
      random: seededRandom(lines.size),
      log: memoryLogger(),
    });
    return { store: shared, shared };
  };
  const clock = (): FakeClock | undefined => time;
  const settings = {
    ...options,
    partsOf,
    scscf: { "cluster.name": NAME, store: "redis://lab" },
    pcscf: { scscf: HOSTS.map((host) => `sip:${host}:6060`).join(","), "cluster.name": NAME },
  };
  const lab = await meanwhile(Lab.start(settings), clock);
  const scscfs = [lab.scscf, await meanwhile(lab.anotherScscf(HOSTS[1]), clock)];
  // Nobody judges others in his own first seconds.
  await pass(lab, 5);
  return {
    lab,
    scscfs,
    kill: (at) => {
      const host = HOSTS[at] ?? "";
      const line = lines.get(host);
      const ways = [lab.network.cut({ to: { host } }), lab.network.cut({ from: { host } })];
      if (line !== undefined) line.isCut = true;
      return () => {
        if (line !== undefined) line.isCut = false;
        for (const heal of ways) heal();
      };
    },
  };
}

/** Time passes until it is done: the store takes some. */
async function meanwhile<T>(work: Promise<T>, clock: () => FakeClock | undefined): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  while (!isDone) await (clock()?.advanceAsync(1) ?? Promise.resolve());
  return work;
}

/** What the store answers comes between the packets. */
async function pass({ clock }: Lab, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds * 1000; passed += 5) await clock.advanceAsync(5);
}

function servedBy({ scscfs }: Two, user: string): number[] {
  return scscfs.flatMap((scscf, at) => {
    const set = scscf.setOf(impuOf(user));
    return set !== undefined && scscf.bindings.ofSet(set.name).length > 0 ? [at] : [];
  });
}

/** Registered and subscribed; and where. */
async function registered(all: Two, user: string): Promise<{ ue: Ue; at: number }> {
  const ue = await all.lab.ue(user);
  ue.register();
  await pass(all.lab, 3);
  expect(isWhole(ue)).toBe(true);
  const [at = -1, ...others] = servedBy(all, user);
  expect(others).toEqual([]);
  return { ue, at };
}

function isWhole({ view }: Ue): boolean {
  return view.registration.state === "registered" && view.subscription?.state === "active";
}

/** How what was asked for at this S-CSCF has ended. */
async function reauthenticate(all: Two, at: number, user: string): Promise<unknown> {
  const scscf = all.scscfs[at];
  const set = scscf?.setOf(impuOf(user))?.name ?? "";
  scscf?.reauthentications.ask(scscf.bindings.ofSet(set), "operator");
  await pass(all.lab, 3);
  return scscf?.reauthentications.list().map((one) => reauthenticationView(one).end)[0];
}

function countOf(lab: Lab, what: string): number {
  return lab.passed(what, "UE", "P-CSCF").length;
}

test("a user whose S-CSCF dies is the other one's, as he was: asked from either side he authenticates again", async () => {
  const all = await two();
  const { lab } = all;
  const { ue, at } = await registered(all, "alice");
  const other = 1 - at;
  const registers = countOf(lab, "REGISTER");
  all.kill(at);
  await pass(lab, TAKEN_OVER_SECONDS);
  expect(
    all.scscfs[other]?.bindings.ofSet(all.scscfs[other]?.setOf(impuOf("alice"))?.name ?? ""),
  ).toHaveLength(1);
  expect([isWhole(ue), countOf(lab, "REGISTER")]).toEqual([true, registers]);
  expect(await reauthenticate(all, other, "alice")).toBe("reauthenticated");
  expect(lab.askByPcscf("alice")).toBe("asked");
  await pass(lab, 3);
  const ends = all.scscfs[other]?.reauthentications.list().map((one) => reauthenticationView(one));
  expect(ends?.map(({ cause, end }) => [cause, end])).toEqual([
    ["pcscf", "reauthenticated"],
    ["operator", "reauthenticated"],
  ]);
  expect(isWhole(ue)).toBe(true);
});

test("back again it takes nobody away from the other one, and serves when that one dies", async () => {
  const all = await two();
  const { lab } = all;
  const { ue, at } = await registered(all, "alice");
  const heal = all.kill(at);
  await pass(lab, TAKEN_OVER_SECONDS);
  expect(await reauthenticate(all, 1 - at, "alice")).toBe("reauthenticated");
  heal();
  await pass(lab, 15);
  expect(servedBy(all, "alice")).toEqual([1 - at]);
  all.kill(1 - at);
  await pass(lab, TAKEN_OVER_SECONDS);
  expect(await reauthenticate(all, at, "alice")).toBe("reauthenticated");
  expect(isWhole(ue)).toBe(true);
});

test("its death in a call: the BYE gets through by the other one, and so does the next call", async () => {
  const all = await two();
  const { lab } = all;
  const [bob, phone] = [await registered(all, "bob"), await lab.ue("phone")];
  phone.register();
  await pass(lab, 3);
  bob.ue.equipment.calls.dial(impuOf("phone"));
  await pass(lab, 2);
  expect([lastCall(bob.ue).state, lastCall(phone).state]).toEqual(["up", "up"]);
  all.kill(bob.at);
  await pass(lab, TAKEN_OVER_SECONDS);
  callUp(bob.ue).apply({ kind: "hang-up" });
  await pass(lab, 1);
  expect([lastCall(bob.ue).state, lastCall(phone).state]).toEqual(["over", "over"]);
  bob.ue.equipment.calls.dial(impuOf("phone"));
  await pass(lab, 2);
  expect(lastCall(phone).state).toBe("up");
});

test("the P-CSCF's own subscription outlives it: a de-registration by the other one ends the binding here", async () => {
  const all = await two({ profile: "ts24229" });
  const { lab } = all;
  const { at } = await registered(all, "alice");
  all.kill(at);
  await pass(lab, TAKEN_OVER_SECONDS);
  const other = all.scscfs[1 - at];
  const cause = { kind: "rejected" } as const;
  expect(lab.atPcscf("alice")).toHaveLength(1);
  for (const { token } of other?.bindings.ofSet(other.setOf(impuOf("alice"))?.name ?? "") ?? [])
    other?.registrations.input(token, { kind: "removed", at: lab.clock.now(), cause });
  await pass(lab, 1);
  expect(lab.atPcscf("alice")).toEqual([]);
});
