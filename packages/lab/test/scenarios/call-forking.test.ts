// One user, several devices: forking by q, CANCEL to the others, several answers. RFC 3261 §16.6, §16.7; RFC 5393.
import { type Dialog, dialogAsUas, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { Via } from "@ims-lab/common/sip/message/fields";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, impuOf, type Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { callUp, lastCall, twoUes } from "./two-ues.ts";

/** Another device of bob's: rings, says 200 to all else. */
async function secondPhone(lab: Lab, params = ""): Promise<ScriptedUe> {
  const phone = await ScriptedUe.start(lab, "bob");
  phone.contact += params;
  phone.register();
  phone.subscribe();
  phone.peer.answers = ({ method }) =>
    method === "INVITE" ? 180 : method === "ACK" ? undefined : 200;
  lab.pass(6);
  return phone;
}

function got(phone: ScriptedUe, method: string): readonly SipRequest[] {
  return phone.peer.requests.filter((request) => request.method === method);
}

function say(phone: ScriptedUe, status: number): void {
  const [invite] = got(phone, "INVITE");
  if (invite === undefined) throw new Error("no INVITE came");
  const headers = [["Contact", `<${phone.contactUri}>`]] as const;
  phone.peer.send(newResponse(invite, status, { toTag: "phone", headers }), ACCESS);
}

describe("two devices with the same q", () => {
  test("both ring; one answers, the other gets a CANCEL under its INVITE's branch", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    const phone = await secondPhone(lab);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect([lastCall(bob).state, got(phone, "INVITE").length]).toEqual(["ringing", 1]);
    callUp(bob).apply({ kind: "answer" });
    lab.pass(1);
    const [invite] = got(phone, "INVITE");
    const [cancel] = got(phone, "CANCEL");
    expect(cancel?.get(Via)?.branch).toBe(invite?.get(Via)?.branch);
    expect(cancel?.uri).toBe(invite?.uri);
    say(phone, 487);
    lab.pass(1);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    expect(got(phone, "ACK")).toHaveLength(1); // hop by hop
  });

  test("RFC 5393 §5: the breadth is shared", async () => {
    const { lab, alice } = await twoUes({}, { "calls.incoming": "ring" });
    const phone = await secondPhone(lab);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(got(phone, "INVITE")[0]?.text("Max-Breadth")).toBe("30");
  });

  test("one is busy, the other declines: 603 ends it for both at once", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    const phone = await secondPhone(lab);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    say(phone, 603);
    lab.pass(1);
    expect([lastCall(alice).why, lastCall(bob).why]).toEqual(["answered 603", "cancelled"]);
  });

  test("busy here, no answer there: busy says more than silence", async () => {
    const { lab, alice } = await twoUes({}, { "calls.incoming": "busy" });
    const phone = await secondPhone(lab);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(lastCall(alice).state).toBe("ringing");
    say(phone, 480);
    lab.pass(1);
    expect(lastCall(alice).why).toBe("answered 486");
  });

  test("§16.7 step 5: both answer; the caller gets both and leaves the second by BYE", async () => {
    const { lab, alice, bob } = await twoUes({}, { "calls.incoming": "ring" });
    const phone = await secondPhone(lab);
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    callUp(bob).apply({ kind: "answer" });
    say(phone, 200);
    lab.pass(1);
    expect([lastCall(alice).state, lastCall(bob).state]).toEqual(["up", "up"]);
    expect([got(phone, "ACK").length, got(phone, "BYE").length]).toEqual([1, 1]);
  });
});

describe("q puts them in order", () => {
  test("the lower q is asked only when the higher has refused", async () => {
    const { lab, alice } = await twoUes({}, { "calls.incoming": "busy" });
    const phone = await secondPhone(lab, ";q=0.5");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(1);
    expect(lastCall(alice).state).toBe("ringing");
    expect(got(phone, "INVITE")).toHaveLength(1);
    say(phone, 200);
    lab.pass(1);
    expect(lastCall(alice).state).toBe("up");
  });

  test("not at all while the first rings; a CANCEL ends the search", async () => {
    const { lab, alice } = await twoUes({}, { "calls.incoming": "ring" });
    const phone = await secondPhone(lab, ";q=0.5");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(5);
    callUp(alice).apply({ kind: "hang-up" });
    lab.pass(5);
    expect(lastCall(alice).why).toBe("cancelled");
    expect(got(phone, "INVITE")).toHaveLength(0);
  });
});

test("requests in the dialog pass both CSCFs whatever their method: INFO, UPDATE, REFER, PRACK", async () => {
  const { lab, alice } = await twoUes({}, { "calls.incoming": "busy" });
  const phone = await secondPhone(lab, ";q=0.5");
  alice.equipment.calls.dial(impuOf("bob"));
  lab.pass(1);
  say(phone, 200);
  lab.pass(1);
  const [invite] = got(phone, "INVITE");
  let dialog: Dialog | undefined = invite && dialogAsUas(invite, "phone");
  for (const method of ["INFO", "UPDATE", "REFER", "PRACK"]) {
    if (dialog === undefined) throw new Error("no dialog");
    const next = nextRequest(dialog, method, [["Contact", `<${phone.contactUri}>`]]);
    dialog = next.dialog;
    next.request.push("Via", phone.peer.request(method, "sip:x", "sip:x").text("Via") ?? "");
    // The lab's UE takes none of these but UPDATE: its answers show that they arrived.
    const status = method === "UPDATE" ? 200 : 405;
    expect([method, lab.exchange(phone.peer, next.request).status]).toEqual([method, status]);
    expect(lab.attempts(method, "S-CSCF", "P-CSCF")).toBe(1);
  }
});
