// IPv6 everywhere, and the P-CSCF between two families: RFC 3986 §3.2.2, RFC 5118.
import { describe, expect, test } from "vitest";
import { type Figure, figurePlan } from "../../src/launcher/figures.ts";
import { impuOf, Lab, missing } from "./lab.ts";
import { callUp, lastCall, registered } from "./two-ues.ts";

const FAMILIES = [
  { access: "IPv6", core: "IPv6" },
  { access: "IPv6", core: "IPv4" },
  { access: "IPv4", core: "IPv6" },
] as const;
const cases = FAMILIES.flatMap((families) =>
  (["udp", "tcp"] as const).map((transport) => ({ ...families, transport })),
);

describe.each(cases)("access $access, core $core, $transport", (options) => {
  test("the five figures, and de-registration", async () => {
    const plan = figurePlan({ profile: "seed", expires: "registration" });
    const lab = await Lab.start(options);
    const passed = (figures: readonly Figure[], act: () => void): readonly string[] => {
      const watches = figures.map((figure) => lab.watch(figure));
      act();
      lab.pass(5);
      return missing(watches);
    };
    const alice = await lab.ue("alice");
    expect(passed(plan.registration, () => alice.register())).toEqual([]);
    expect(passed([plan.byServing], () => lab.askByScscf("alice"))).toEqual([]);
    const byProxy = plan.byProxy === undefined ? [] : [plan.byProxy];
    expect(passed(byProxy, () => lab.askByPcscf("alice"))).toEqual([]);
    const ends = lab.reauthentications.map(({ end }) => end);
    expect(ends).toEqual(["reauthenticated", "reauthenticated"]);
    alice.deregister();
    lab.pass(5);
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
  });

  test("a call with hold, ended by the callee; messages both ways", async () => {
    const lab = await Lab.start(options);
    const [alice, bob] = [await registered(lab, "alice"), await registered(lab, "bob")];
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect(lastCall(alice).state).toBe("up");
    callUp(alice).apply({ kind: "hold", on: true });
    lab.pass(2);
    callUp(bob).apply({ kind: "hang-up" });
    lab.pass(2);
    expect([lastCall(alice).why, lastCall(bob).state]).toEqual(["hung up there", "over"]);
    for (const [from, to] of [
      [alice, "bob"],
      [bob, "alice"],
    ] as const)
      void from.equipment.messages.send(impuOf(to), "hello");
    lab.pass(2);
    expect(lab.passed("200 MESSAGE", "P-CSCF", "UE")).toHaveLength(2);
  });
});
