// Calls that do not come up: CANCEL, busy, no answer, nobody there. RFC 3261 §9, §16.7-§16.10; TS 24.229 §5.4.3.3.
import { describe, expect, test } from "vitest";
import { ACCESS, DOMAIN, impuOf } from "./lab.ts";
import { callUp, lastCall, registered, twoUes } from "./two-ues.ts";

describe("the caller gives up", () => {
  test("CANCEL while it rings: 487 all the way, nobody rings any more", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["ringing", "ringing"]);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(1);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["cancelled", "cancelled"]);
    expect(lab.attempts("CANCEL", "P-CSCF", "UE")).toBe(1);
    expect(lab.passed("487 INVITE", "P-CSCF", "UE")).toHaveLength(1);
  });

  test("CANCEL before anybody has said a word goes out with the first 180", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    const back = lab.network.cut({ from: { host: bob.host } });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(0.3);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(0.1);
    expect(lab.attempts("CANCEL", "P-CSCF", "UE")).toBe(0);
    back();
    lab.pass(5);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["cancelled", "cancelled"]);
  });

  test("the answer crosses the CANCEL: the call comes up and ends by BYE", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(alice).apply({ kind: "hang-up" });
    callUp(bob).apply({ kind: "answer" });
    lab.pass(2);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["cancelled", "hung up there"]);
    expect(lab.attempts("BYE", "P-CSCF", "UE")).toBe(1);
  });
});

describe("the callee does not want to", () => {
  test.each([
    ["busy", "answered 486"],
    ["decline", "answered 603"],
  ])("%s: %s", async (policy, why) => {
    const { lab, alice } = await twoUes({}, { "calls.incoming": policy });
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(lastCall(alice)).toMatchObject({ state: "over", why });
  });

  test("a second call at once: 486", async () => {
    const { lab, alice } = await twoUes();
    const carol = await registered(lab, "carol");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    carol.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect([lastCall(alice).state, lastCall(carol).why]).toEqual(["up", "answered 486"]);
  });

  test("it rings on and on: the callee's own 480 after its time", async () => {
    const ringing = { "calls.incoming": "ring", "calls.noAnswerSeconds": 30 };
    const { lab, alice } = await twoUes({}, ringing);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(29);
    expect(lastCall(alice).state).toBe("ringing");
    lab.pass(2);
    expect(lastCall(alice).why).toBe("answered 480");
  });

  test("§16.8: Timer C ends it after three minutes: CANCEL to the callee, 408 to the caller", async () => {
    const ringing = { "calls.incoming": "ring", "calls.noAnswerSeconds": 10_000 };
    const { lab, alice, bob } = await twoUes({}, ringing);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(180);
    expect(lastCall(alice).state).toBe("ringing");
    lab.pass(10);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["answered 408", "cancelled"]);
  });
});

describe("nobody is there", () => {
  test.each([
    ["not registered: 480", impuOf("carol"), 480],
    ["a device that is switched off: 408", impuOf("bob"), 408],
    ["no such user: 404", impuOf("nobody"), 404],
    ["no such number: 404", "tel:+15559999", 404],
    ["a domain that routes does not name: 404", "sip:x@other.example", 404],
    ["the S-CSCF itself: 404", "sip:10.1.0.2:6060", 404],
  ])("%s", async (_name, uri, status) => {
    const { lab, alice, bob } = await twoUes();
    lab.network.cut({ to: { host: bob.host } });
    alice.equipment.calls.dial(uri);
    lab.pass(40);
    expect(lastCall(alice).why).toBe(`answered ${status}`);
  });

  test("no P-CSCF answers: the UE gives up by Timer B", async () => {
    const { lab, alice } = await twoUes();
    lab.cut("UE→P");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(40);
    expect(lastCall(alice).why).toBe("timeout");
  });

  test("after the callee's de-registration: 480; after the caller's own: 403", async () => {
    const { lab, alice, bob } = await twoUes();
    bob.deregister();
    lab.pass(1);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(lastCall(alice).why).toBe("answered 480");
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(1);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(lastCall(alice).why).toBe("answered 403");
  });
});

describe("hostile calls", () => {
  test("an INVITE of a stranger at the P-CSCF: 403, nothing reaches the core", async () => {
    const { lab } = await twoUes();
    const stranger = await lab.peer();
    const invite = stranger.request("INVITE", impuOf("bob"), impuOf("alice"), [
      ["Contact", "<sip:x@192.0.2.99>"],
    ]);
    expect(lab.exchange(stranger, invite).status).toBe(403);
    expect(lab.attempts("INVITE", "P-CSCF", "S-CSCF")).toBe(0);
  });

  test("a CANCEL, BYE or re-INVITE that belongs to nothing: 481 or 403, and the call stays", async () => {
    const { lab, alice, bob } = await twoUes();
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    const stranger = await lab.peer();
    const { callId } = lastCall(alice);
    const answers = (["CANCEL", "BYE", "INVITE"] as const).map((method) => {
      const forged = stranger.request(method, impuOf("bob"), impuOf("alice"), [
        ["Call-ID", callId],
        ["To", `<${impuOf("bob")}>;tag=guessed`],
      ]);
      return lab.exchange(stranger, forged, ACCESS).status;
    });
    expect(answers).toEqual([481, 403, 403]);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
  });

  test("Max-Forwards 0: 483", async () => {
    const { lab } = await twoUes();
    const phone = await lab.peer({ as: "UE" });
    const over = phone.request("MESSAGE", `sip:x@${DOMAIN}`, impuOf("bob"), [
      ["Max-Forwards", "0"],
    ]);
    expect(lab.exchange(phone, over).status).toBe(483);
  });
});
