// Requests that reach a UE past its P-CSCF: refused, whatever they know. TS 24.229 §5.1.2A.2.

import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { impuOf, Lab, type Peer, type Ue } from "./lab.ts";

let lab: Lab;
let alice: Ue;
let stranger: Peer;

beforeEach(async () => {
  ({ lab, alice } = await Lab.withAlice());
  stranger = await lab.peer();
});

function toAlice(request: SipRequest): number {
  const { host = "", port = 0 } = alice.equipment.address ?? {};
  return lab.exchange(stranger, request, { host, port }, 0.5).status;
}

describe("from somebody who is not the P-CSCF", () => {
  test("a NOTIFY of the network's own, said once more: 403, and the UE does nothing", () => {
    lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.pass(2);
    const [trigger] = lab.passed("NOTIFY", "P-CSCF", "UE").slice(-1);
    if (trigger === undefined) throw new Error("no trigger was sent");
    const { message } = decode(encode(trigger.clone().set("CSeq", "99 NOTIFY")));
    if (message?.kind !== "request") throw new Error("no request");
    lab.forget();
    message.set("Via", stranger.request("NOTIFY", "sip:x", "sip:x").text("Via") ?? "");
    expect(toAlice(message)).toBe(403);
    lab.pass(2);
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(0);
  });

  test.each(["INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "BYE"])("%s: 403", (method) => {
    const request = stranger.request(method, impuOf("alice"), impuOf("bob"), [
      ["Contact", "<sip:bob@192.0.2.99>"],
    ]);
    expect(toAlice(request)).toBe(403);
    expect(alice.equipment.calls.active).toEqual([]);
  });

  test("is one line in the log", () => {
    for (let n = 0; n < 3; n += 1) toAlice(stranger.request("OPTIONS", impuOf("alice"), "sip:x"));
    expect(lab.logs.ue.named("request.not-by-pcscf")).toHaveLength(1);
  });
});
