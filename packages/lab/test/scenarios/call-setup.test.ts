// Calls between two UEs through both CSCFs: RFC 3261 §13-§16, TS 24.229 §5.4.3.
import { everyNth, first } from "@ims-lab/common/testing/drop-patterns";
import { describe, expect, test } from "vitest";
import { DOMAIN, impuOf } from "./lab.ts";
import { callUp, lastCall, twoUes } from "./two-ues.ts";

describe("alice calls bob", () => {
  test("INVITE, 180, 200, ACK; then BYE by the caller", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect([lastCall(alice), lastCall(bob)]).toMatchObject([
      { direction: "outgoing", state: "up", peer: impuOf("bob") },
      { direction: "incoming", state: "up", peer: impuOf("alice") },
    ]);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(1);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up here", "hung up there"]);
    expect(lab.attempts("BYE", "P-CSCF", "UE")).toBe(1);
  });

  test("BYE by the callee; the route set leads through every node both ways", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(bob).apply({ kind: "hang-up" });
    lab.pass(1);
    expect(lastCall(alice).why).toBe("hung up there");
    expect(lab.attempts("BYE", "S-CSCF", "P-CSCF")).toBe(1);
    expect(lab.attempts("ACK", "S-CSCF", "P-CSCF")).toBe(1);
  });

  test("what bob is told: the asserted identity with its number, and whom was called", async () => {
    const { lab, alice } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    const [invite] = lab.passed("INVITE", "P-CSCF", "UE");
    expect(invite?.texts("P-Asserted-Identity")).toEqual([
      `<${impuOf("alice")}>`,
      "<tel:+15550001>",
    ]);
    expect(invite?.text("P-Called-Party-ID")).toBe(`<${impuOf("bob")}>`);
    expect(invite?.has("P-Charging-Vector")).toBe(false);
    const [inCore] = lab.passed("INVITE", "S-CSCF", "P-CSCF");
    expect(inCore?.text("P-Charging-Vector")).toContain("icid-value=");
    const [answered] = lab.passed("200 INVITE", "P-CSCF", "S-CSCF");
    expect(answered?.texts("P-Asserted-Identity")).toEqual([`<${impuOf("bob")}>`]);
    const [ok] = lab.passed("200 INVITE", "S-CSCF", "P-CSCF");
    expect(ok?.text("P-Charging-Vector")).toContain(`term-ioi="${DOMAIN}"`);
  });

  test("RFC 7315 §4.6: one icid for the call, whoever sends; each message has its own", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(bob).apply({ kind: "hold", on: true });
    lab.pass(1);
    callUp(alice).apply({ kind: "hang-up" });
    for (const text of ["one", "two"]) void alice.equipment.messages.send(impuOf("bob"), text);
    lab.pass(1);
    const icids = (method: string): readonly (string | undefined)[] =>
      lab
        .passed(method, "P-CSCF", "S-CSCF")
        .map((request) => request.text("P-Charging-Vector")?.split(";")[0]);
    const call = [...icids("INVITE"), ...icids("BYE")];
    expect([call.length, new Set(call).size]).toEqual([3, 1]);
    expect(new Set([...icids("MESSAGE"), ...call]).size).toBe(3);
  });

  test("hold and back by re-INVITE, from either side", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(alice).apply({ kind: "hold", on: true });
    lab.pass(1);
    expect([lastCall(alice).heldHere, lastCall(bob).heldThere]).toEqual([true, true]);
    callUp(bob).apply({ kind: "hold", on: true });
    lab.pass(1);
    expect([lastCall(alice).heldThere, lastCall(bob).heldHere]).toEqual([true, true]);
    callUp(alice).apply({ kind: "hold", on: false });
    lab.pass(1);
    expect([lastCall(alice).heldHere, lastCall(alice).state]).toEqual([false, "up"]);
  });

  test.each(["alice", "bob"])(
    "a hold by %s is over at the other side, too, when it is, also after hours",
    async (holder) => {
      const { lab, alice, bob } = await twoUes();
      alice.equipment.calls.dial(impuOf("bob"));
      lab.pass(1);
      const [here, there] = holder === "alice" ? [alice, bob] : [bob, alice];
      const held = (): readonly boolean[] =>
        [here, there].flatMap((ue) => [lastCall(ue).heldHere, lastCall(ue).heldThere]);
      expect(held()).toEqual([false, false, false, false]);
      callUp(here).apply({ kind: "hold", on: true });
      lab.pass(2 * 3600);
      expect(held()).toEqual([true, false, false, true]);
      callUp(here).apply({ kind: "hold", on: false });
      lab.pass(2 * 3600);
      expect(held()).toEqual([false, false, false, false]);
    },
  );

  test("over TCP", async () => {
    const { lab, alice, bob } = await twoUes({ transport: "tcp" });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(bob).apply({ kind: "hang-up" });
    lab.pass(1);
    expect(lastCall(alice).why).toBe("hung up there");
  });

  test("tel: of alice, called by bob", async () => {
    const { lab, alice, bob } = await twoUes();
    bob.equipment.calls.dial("tel:+1-555-0001");
    lab.pass(1);
    expect(lastCall(alice)).toMatchObject({ state: "up", peer: impuOf("bob") });
  });
});

describe("loss", () => {
  test("the ACK is lost: the 2xx comes again until there is one", async () => {
    const { lab, alice, bob } = await twoUes();
    const end = lab.network.drop({ from: { host: alice.host } }, (_index, bytes) =>
      bytes.toString("latin1").startsWith("ACK"),
    );
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1.2);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "answered"]);
    end();
    lab.pass(5);
    expect(lastCall(bob).state).toBe("up");
  });

  test("no ACK at all: the callee says BYE after 64*T1", async () => {
    const { lab, alice, bob } = await twoUes();
    lab.network.drop({ from: { host: alice.host } }, (_index, bytes) =>
      bytes.toString("latin1").startsWith("ACK"),
    );
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(40);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up there", "no ACK"]);
  });

  test.each([
    ["the first", first],
    ["every third", everyNth(3)],
  ])("%s datagram on each hop: the call comes up and ends", async (_name, pattern) => {
    for (const way of ["UE→P", "P→UE", "P→S", "S→P"] as const) {
      const { lab, alice, bob } = await twoUes();
      lab.lose(way, pattern);
      alice.equipment.calls.dial(impuOf("bob"));
      lab.pass(20);
      expect([way, lastCall(alice).state, lastCall(bob).state]).toEqual([way, "up", "up"]);
      callUp(alice).apply({ kind: "hang-up" });
      lab.pass(20);
      expect([way, lastCall(bob).why]).toEqual([way, "hung up there"]);
    }
  });
});
