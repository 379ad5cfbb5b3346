// Three S-CSCFs, one of which dies without a word: before, within and after a registration, and in a call.
import { describe, expect, test } from "vitest";
import { reauthenticationView } from "../../../scscf/src/admin/reauthentication-view.ts";
import type { Scscf } from "../../../scscf/src/node.ts";
import { impuOf, Lab, type Ue } from "./lab.ts";
import { callUp, lastCall } from "./two-ues.ts";

const HOSTS = ["10.1.0.2", "10.1.0.3", "10.1.0.4"];

interface Three {
  readonly lab: Lab;
  readonly scscfs: readonly Scscf[];
}

async function three(): Promise<Three> {
  const scscf = HOSTS.map((host) => `sip:${host}:6060`).join(",");
  const lab = await Lab.start({ pcscf: { scscf } });
  const others = [];
  for (const host of HOSTS.slice(1)) others.push(await lab.anotherScscf(host));
  return { lab, scscfs: [lab.scscf, ...others] };
}

/** Which of them keeps a registration of this user. */
function servedBy({ scscfs }: Three, user: string): number[] {
  return scscfs.flatMap((scscf, at) => {
    const set = scscf.setOf(impuOf(user));
    return set !== undefined && scscf.bindings.ofSet(set.name).length > 0 ? [at] : [];
  });
}

/** Nothing passes to or from it. Returns how to bring it back. */
function kill({ lab }: Three, at: number): () => void {
  const host = HOSTS[at];
  if (host === undefined) throw new Error(`no S-CSCF ${at}`);
  const ways = [lab.network.cut({ to: { host } }), lab.network.cut({ from: { host } })];
  return () => {
    for (const heal of ways) heal();
  };
}

/** Registered and subscribed; and where. */
async function registered(all: Three, user: string): Promise<{ ue: Ue; at: number }> {
  const ue = await all.lab.ue(user);
  ue.register();
  all.lab.pass(5);
  const [at, ...others] = servedBy(all, user);
  if (at === undefined || others.length > 0) throw new Error(`${user} is at ${others.length}`);
  return { ue, at };
}

function isWhole({ view }: Ue): boolean {
  return view.registration.state === "registered" && view.subscription?.state === "active";
}

/** Asks for it at this S-CSCF; how all that were asked for there have ended, latest first. */
function reauthenticate({ lab, scscfs }: Three, at: number, user: string): unknown[] {
  const scscf = scscfs[at];
  const set = scscf?.setOf(impuOf(user))?.name ?? "";
  scscf?.reauthentications.ask(scscf.bindings.ofSet(set), "operator");
  lab.pass(5);
  return scscf?.reauthentications.list().map((one) => reauthenticationView(one).end) ?? [];
}

function told(lab: Lab, event: string): number {
  return lab.logs.pcscf.named(event).length;
}

describe("one of three dies", () => {
  test("before anybody registers: its users are at the others, said once", async () => {
    const all = await three();
    const { lab } = all;
    for (const at of [0, 1, 2]) {
      const heal = kill(all, at);
      const ue = await lab.ue("alice");
      ue.register();
      lab.pass(10);
      expect([at, isWhole(ue)]).toEqual([at, true]);
      expect(servedBy(all, "alice")).not.toContain(at);
      heal();
      ue.deregister();
      lab.pass(20);
      expect([told(lab, "scscf.down"), told(lab, "scscf.up")]).toEqual([at + 1, at + 1]);
    }
  });

  test("between challenge and answer: another one challenges anew", async () => {
    const all = await three();
    const { lab } = all;
    const first = (await registered(all, "alice")).at;
    const second = await lab.ue("alice");
    lab.network.drop({ from: { host: second.host } }, (index) => {
      if (index === 1) kill(all, first);
      return false;
    });
    second.register();
    lab.pass(10);
    expect(isWhole(second)).toBe(true);
    const [challenged, ...again] = lab.passed("401 REGISTER", "P-CSCF", "UE").slice(1);
    expect(challenged).toBeDefined();
    expect(again).toHaveLength(1);
  });

  test("with users registered: their next REGISTER is challenged by another, and all is whole again", async () => {
    const all = await three();
    const { lab } = all;
    const { ue, at } = await registered(all, "alice");
    kill(all, at);
    lab.pass(10);
    ue.register();
    lab.pass(20);
    expect(isWhole(ue)).toBe(true);
    const [now = -1, ...others] = servedBy(all, "alice").filter((each) => each !== at);
    expect(others).toEqual([]);
    expect(reauthenticate(all, now, "alice")).toEqual(["reauthenticated"]);
  });

  test("in a call: it goes on, and ends at both ends though no BYE gets through", async () => {
    const all = await three();
    const { lab } = all;
    const [bob, phone] = [await registered(all, "bob"), await registered(all, "phone")];
    expect(bob.at, "users of one S-CSCF").toBe(phone.at);
    bob.ue.equipment.calls.dial(impuOf("phone"));
    lab.pass(2);
    const heal = kill(all, bob.at);
    lab.pass(60);
    expect([lastCall(bob.ue).state, lastCall(phone.ue).state]).toEqual(["up", "up"]);
    for (const { ue } of [bob, phone]) callUp(ue).apply({ kind: "hang-up" });
    lab.pass(40);
    expect([lastCall(bob.ue).state, lastCall(phone.ue).state]).toEqual(["over", "over"]);
    heal();
    lab.pass(10);
    bob.ue.equipment.calls.dial(impuOf("phone"));
    lab.pass(2);
    expect(lastCall(phone.ue).state).toBe("up");
    expect([told(lab, "scscf.down"), told(lab, "scscf.up")]).toEqual([1, 1]);
  });
});
