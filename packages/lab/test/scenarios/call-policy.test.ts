// Authentication because of a call: `policy.onMethods`; calls of who is de-registered: `dialogs`.
import { describe, expect, test } from "vitest";
import { ACCESS, impuOf, type Lab, type LabOptions } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { callUp, lastCall, type TwoUes, twoUes } from "./two-ues.ts";

function calling(outcome: "proceed" | "hold" | "reject"): Promise<TwoUes> {
  return twoUes({ scscf: { "policy.onMethods": "INVITE", "policy.outcome": outcome } });
}

const RINGS = { "calls.incoming": "ring" };
/** UEs that do not subscribe, and need not. */
const DEAF: LabOptions = {
  scscf: { "subscription.duty": "optional" },
  ue: { "subscription.event": "none" },
};

/** What waits for an authentication waits in a promise. */
function passSettling(lab: Lab, seconds: number): Promise<void> {
  return lab.clock.advanceAsync(seconds * 1000);
}

describe("onMethods", () => {
  test("proceed: the call goes on, the caller authenticates beside it", async () => {
    const { lab, alice } = await calling("proceed");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect(lastCall(alice).state).toBe("up");
    expect(lab.reauthentications).toMatchObject([
      { cause: "policy:onMethods", end: "reauthenticated", impi: "alice@ims.example" },
    ]);
  });

  test("hold: the callee hears of it only after the caller's authentication", async () => {
    const { lab, alice, bob } = await calling("hold");
    alice.equipment.calls.dial(impuOf("bob"));
    await passSettling(lab, 2);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    const order = lab.ladder.filter((line) => /: (NOTIFY|REGISTER|INVITE|401)/.test(line));
    const invite = order.findIndex((line) => line.startsWith("S-CSCF → P-CSCF: INVITE"));
    const challenge = order.findIndex((line) => line.startsWith("S-CSCF → P-CSCF: 401"));
    expect(invite).toBeGreaterThan(challenge);
    expect(challenge).toBeGreaterThan(-1);
  });

  test("hold: who does not authenticate in time gets 403; nobody rings", async () => {
    const { lab, alice, bob } = await calling("hold");
    lab.network.drop({ from: { host: alice.host } }, (_index, bytes) =>
      bytes.toString("latin1").startsWith("REGISTER"),
    );
    alice.equipment.calls.dial(impuOf("bob"));
    await passSettling(lab, 50);
    expect(lastCall(alice).state).toBe("inviting");
    await passSettling(lab, 30);
    // The NOTIFY that ends her registration comes before, and she gives up.
    expect(lastCall(alice).why).toBe("cancelled");
    expect(lab.passed("403 INVITE", "S-CSCF", "P-CSCF")).toHaveLength(1);
    expect(bob.equipment.calls.view).toEqual([]);
  });

  test("hold: the caller gives up while it waits", async () => {
    const { lab, alice, bob } = await calling("hold");
    lab.network.drop({ from: { host: alice.host } }, (_index, bytes) =>
      bytes.toString("latin1").startsWith("REGISTER"),
    );
    alice.equipment.calls.dial(impuOf("bob"));
    await passSettling(lab, 5);
    callUp(alice).apply({ kind: "hang-up" });
    await passSettling(lab, 100);
    expect(lastCall(alice).why).toBe("cancelled");
    expect(bob.equipment.calls.view).toEqual([]);
  });

  test("hold: other methods proceed", async () => {
    const { lab, alice, bob } = await twoUes({
      scscf: { "policy.onMethods": "MESSAGE", "policy.outcome": "hold" },
    });
    void alice.equipment.messages.send(impuOf("bob"), "hello");
    lab.pass(2);
    expect(bob.view.messages).toMatchObject([{ text: "hello" }]);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("reject: 403 with a Warning; once authenticated again, the call is let through", async () => {
    const { lab, alice, bob } = await calling("reject");
    lab.pass(5);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect(lastCall(alice).why).toBe("answered 403");
    const [refused] = lab.passed("403 INVITE", "P-CSCF", "UE");
    expect(refused?.text("Warning")).toMatch(/^399 /);
    expect(lab.onlyEnd).toBe("reauthenticated");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(100);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect(lastCall(alice).why).toBe("answered 403"); // it was long ago
  });

  test("reject: a To tag over the Service-Route is no way round it, nor to anywhere else: 481", async () => {
    const { lab, bob } = await calling("reject");
    const carol = await ScriptedUe.subscribed(lab, "carol");
    for (const target of [impuOf("bob"), "sip:x@192.0.2.99"]) {
      const headers = [
        ["To", `<${target}>;tag=made-up`],
        ["Contact", carol.contact],
      ] as const;
      const invite = carol.request("INVITE", target, headers);
      expect(lab.exchange(carol.peer, invite, ACCESS).status).toBe(481);
    }
    expect(bob.equipment.calls.view).toEqual([]);
  });

  test("without a rule nobody is asked", async () => {
    const { lab, alice } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    expect(lab.reauthentications).toEqual([]);
  });
});

describe("a registration ends during a call", () => {
  test.each(["alice", "bob"])("dialogs: release: %s goes, both hear BYE", async (who) => {
    const { lab, alice, bob } = await twoUes({ scscf: { dialogs: "release" } });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    lab.deregister(who, { kind: "rejected" });
    lab.pass(2);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up there", "hung up there"]);
    const [bye] = lab.passed("BYE", "S-CSCF", "P-CSCF");
    expect(bye?.text("Reason")).toContain("SIP;cause=480");
  });

  test("dialogs: release, after a hold from the callee: CSeq numbers still rise", async () => {
    const { lab, alice, bob } = await twoUes({ scscf: { dialogs: "release" } });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    for (const on of [true, false, true]) {
      callUp(bob).apply({ kind: "hold", on });
      lab.pass(1);
    }
    lab.deregister("alice", { kind: "deactivated" });
    lab.pass(2);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up there", "hung up there"]);
  });

  test("a call that is over is not released", async () => {
    const { lab, alice } = await twoUes({ scscf: { dialogs: "release" } });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(1);
    lab.forget();
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(2);
    expect(lab.attempts("BYE")).toBe(0);
  });

  test("TS 24.229 §5.1.1.6.1: a UE that leaves ends its calls first, whatever the network does", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    alice.equipment.deregister();
    lab.pass(1);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up here", "hung up there"]);
    expect(alice.state).toBe("deregistered");
  });

  test("dialogs: leave: the call goes on and ends as its users want", async () => {
    // Who does not hear of the end of the registration leaves the call alone.
    const { lab, alice, bob } = await twoUes(DEAF);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(2);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    callUp(bob).apply({ kind: "hang-up" });
    lab.pass(2);
    expect(lastCall(alice).why).toBe("hung up there");
  });

  test.each(["rejected", "deactivated", "expired"] as const)(
    "TS 24.229 §5.1.1.7: %s: the UE that hears of it ends its calls itself",
    async (kind) => {
      const { lab, alice, bob } = await twoUes();
      alice.equipment.calls.dial(impuOf("bob"));
      lab.pass(1);
      lab.deregister("alice", { kind });
      lab.pass(2);
      expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up here", "hung up there"]);
      const sent = lab.ladder.filter((line) => /^UE → P-CSCF: (BYE|REGISTER)/.test(line));
      expect(sent[0]).toContain("BYE");
    },
  );
});

describe("a registration ends while a call rings", () => {
  test.each(["alice", "bob"])(
    "dialogs: release: %s goes: CANCEL to bob, 480 to alice",
    async (who) => {
      const { lab, alice, bob } = await twoUes(
        { ...DEAF, scscf: { ...DEAF.scscf, dialogs: "release" } },
        RINGS,
      );
      alice.equipment.calls.dial(impuOf("bob"));
      lab.pass(1);
      expect(lastCall(bob).state).toBe("ringing");
      lab.deregister(who, { kind: "rejected" });
      lab.pass(2);
      expect(lastCall(bob).why).toBe("cancelled");
      expect(lastCall(alice).why).toBe("answered 480");
      expect(lab.attempts("BYE")).toBe(0);
      const [cancel] = lab.passed("CANCEL", "P-CSCF", "UE");
      expect(cancel?.text("Reason")).toContain("SIP;cause=480");
    },
  );

  test("dialogs: release: two devices ring, each stops when its registration ends", async () => {
    const { lab, alice, bob } = await twoUes({ scscf: { dialogs: "release" } }, RINGS);
    const phone = await ScriptedUe.subscribed(lab, "bob");
    phone.peer.answers = ({ method }) =>
      method === "INVITE" ? 180 : method === "ACK" ? undefined : 200;
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    const [first, second] = lab.scscf.bindings.ofSet(lab.scscf.setOf(impuOf("bob"))?.name ?? "");
    const end = (token = ""): void => {
      const at = lab.clock.now();
      lab.scscf.registrations.input(token, { kind: "removed", at, cause: { kind: "rejected" } });
      lab.pass(1);
    };
    end(first?.token);
    expect([lastCall(bob).why, lastCall(alice).state]).toEqual(["cancelled", "ringing"]);
    end(second?.token);
    expect(phone.peer.requests.some(({ method }) => method === "CANCEL")).toBe(true);
    lab.pass(33); // it says nothing to its INVITE
    expect(lastCall(alice).why).toBe("answered 480");
  });

  test("dialogs: leave: it goes on ringing", async () => {
    const { lab, alice, bob } = await twoUes(DEAF, RINGS);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(2);
    expect(lastCall(bob).state).toBe("ringing");
  });

  test("a re-authentication in between changes nothing", async () => {
    const { lab, alice, bob } = await twoUes({ scscf: { dialogs: "release" } }, RINGS);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    for (const user of ["alice", "bob"]) lab.askByScscf(user);
    lab.pass(3);
    expect(lab.reauthentications.map(({ end }) => end)).toEqual([
      "reauthenticated",
      "reauthenticated",
    ]);
    callUp(bob).apply({ kind: "answer" });
    lab.pass(2);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    lab.deregister("bob", { kind: "rejected" });
    lab.pass(2);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["hung up there", "hung up there"]);
  });
});
