// SUBSCRIBE, NOTIFY and other requests of strangers: the right code, a named log line, the victim unchanged. docs/security.md.
import { OWN_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { OTHER_PCSCF, TRUSTING_BOTH } from "./end-state.ts";
import { ACCESS, CORE, type Headers, Lab, type Peer, SCSCF } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { loggedDuring, stateOf } from "./stranger-state.ts";

let lab: Lab;
let victim: ScriptedUe;
/** Registered and subscribed too, but as somebody else. */
let bob: ScriptedUe;
/** Nobody at all. */
let stranger: Peer;
let before: string;

beforeEach(async () => {
  lab = await Lab.start({ scscf: TRUSTING_BOTH });
  victim = await ScriptedUe.subscribed(lab, "carol");
  bob = await ScriptedUe.subscribed(lab, "bob");
  stranger = await lab.peer();
  before = stateOf(lab, victim);
});

/** Sends it; the status that came back. The victim is untouched, `named` is in a log. */
function expectRefused(
  [from, request, to]: readonly [Peer, SipRequest, { host: string; port: number }],
  status: number,
  named: string,
): void {
  let got = 0;
  const logged = loggedDuring(lab, () => {
    got = lab.exchange(from, request, to, 0.1).status;
  });
  expect(got).toBe(status);
  lab.pass(1);
  expect(stateOf(lab, victim)).toBe(before);
  expect(logged).toContain(named);
}

const subscription = (contact: string, expires = 600): Headers => [
  ["Contact", contact],
  ["Event", OWN_PACKAGE],
  ["Expires", String(expires)],
  ["Accept", REGINFO_TYPE],
];

describe("SUBSCRIBE to somebody else's registration", () => {
  test("by a registered user: 403", () => {
    const request = bob.request("SUBSCRIBE", victim.impu, subscription(bob.contact));
    expectRefused([bob.peer, request, ACCESS], 403, "subscription.refused");
  });
  test("with a forged P-Asserted-Identity: taken out and named, 403", () => {
    const headers: Headers = [["P-Asserted-Identity", `<${victim.impu}>`]];
    const request = (): SipRequest =>
      bob.request("SUBSCRIBE", victim.impu, [...subscription(bob.contact), ...headers]);
    expectRefused([bob.peer, request(), ACCESS], 403, "request.forged-headers");
    expectRefused([bob.peer, request(), ACCESS], 403, "subscription.refused");
  });
  test("with the victim in From and P-Preferred-Identity: the flow decides who it is", () => {
    const headers: Headers = [
      ["P-Preferred-Identity", `<${victim.impu}>`],
      ["From", `<${victim.impu}>;tag=forged`],
    ];
    const request = bob.request("SUBSCRIBE", victim.impu, [
      ...subscription(bob.contact),
      ...headers,
    ]);
    expectRefused([bob.peer, request, ACCESS], 403, "subscription.refused");
  });
  test("over the victim's Service-Route: replaced by one's own, so it is one's own subscription", () => {
    bob.serviceRoute = victim.serviceRoute;
    const request = bob.request("SUBSCRIBE", victim.impu, subscription(bob.contact));
    expectRefused([bob.peer, request, ACCESS], 403, "subscription.refused");
    const last = lab.passed("SUBSCRIBE", "P-CSCF", "S-CSCF").at(-1);
    expect(last?.text("Route")).not.toContain(victim.serviceRoute[0] ?? "-");
  });
  test("by nobody: 403 at the P-CSCF, with the victim's names and Route", () => {
    const request = stranger.request("SUBSCRIBE", victim.impu, victim.impu, [
      ...subscription("<sip:x@192.0.2.99>"),
      ["Route", victim.serviceRoute.join(", ")],
      ["P-Preferred-Identity", `<${victim.impu}>`],
    ]);
    expectRefused([stranger, request, ACCESS], 403, "access.refused");
  });
  test("straight at the S-CSCF: 403, whatever is asserted", () => {
    const request = stranger.request("SUBSCRIBE", victim.impu, victim.impu, [
      ...subscription("<sip:x@192.0.2.99>"),
      ["P-Asserted-Identity", `<${victim.impu}>`],
      ["Route", victim.serviceRoute.join(", ")],
    ]);
    expectRefused([stranger, request, SCSCF], 403, "request.refused");
  });
  test("by a trusted P-CSCF that is not in the binding's Path: 403", async () => {
    const other = await lab.peer({ at: OTHER_PCSCF });
    const own = `sip:${OTHER_PCSCF.host}:${OTHER_PCSCF.port}`;
    const request = other.request("SUBSCRIBE", victim.impu, own, [
      ...subscription(`<${own}>`),
      ["To", `<${victim.impu}>`],
      ["P-Asserted-Identity", `<${own}>`],
    ]);
    expectRefused([other, request, SCSCF], 403, "subscription.refused");
  });
  test("to end it: an un-SUBSCRIBE in the victim's dialog from another flow", () => {
    const answer = victim.peer.responses.find(({ cseq }) => cseq.method === "SUBSCRIBE");
    const request = bob.request("SUBSCRIBE", victim.impu, [
      ...subscription(bob.contact, 0),
      ["Call-ID", answer?.callId ?? ""],
      ["From", answer?.text("From") ?? ""],
      ["To", answer?.text("To") ?? ""],
      ["CSeq", "99 SUBSCRIBE"],
    ]);
    expectRefused([bob.peer, request, ACCESS], 403, "subscription.refused");
  });
});

/** The S-CSCF's own subscription at the P-CSCF, as somebody on the wire has seen it. */
function sniffed(): { callId: string; from: string; to: string; uri: string } {
  const subscribe = lab
    .passed("SUBSCRIBE", "S-CSCF", "P-CSCF")
    .find((seen) => seen.to.uriText === victim.impu);
  const answer = lab
    .passed("200 SUBSCRIBE", "P-CSCF", "S-CSCF")
    .find((seen) => seen.callId === subscribe?.callId);
  const uri = /<([^>]*)>/.exec(subscribe?.text("Contact") ?? "")?.[1] ?? "";
  const [from, to] = [answer?.text("To") ?? "", subscribe?.text("From") ?? ""];
  return { callId: subscribe?.callId ?? "", from, to, uri };
}

function asking(peer: Peer, dialog: Partial<ReturnType<typeof sniffed>> = {}): SipRequest {
  const { callId = "made-up", from, to, uri } = { ...sniffed(), ...dialog };
  const [binding] = lab.scscf.bindings.ofSet(victim.impi);
  const contact = `<contact id="c1" state="active" event="shortened" expires="60" callid="x" cseq="1"><uri>${binding?.address.contact ?? ""}</uri></contact>`;
  const registration = `<registration aor="${victim.impu}" id="r1" state="active">${contact}</registration>`;
  const body = `<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="9" state="full">${registration}</reginfo>`;
  const request = peer.request("NOTIFY", uri, victim.impu, [
    ["Call-ID", callId],
    ["From", from],
    ["To", to],
    ["CSeq", "77 NOTIFY"],
    ["Contact", `<sip:${peer.at.host}:${peer.at.port}>`],
    ["Event", OWN_PACKAGE],
    ["Subscription-State", "active;expires=600"],
  ]);
  return request.setBody(Buffer.from(body), REGINFO_TYPE);
}

describe("NOTIFY that asks for re-registration", () => {
  test("from a trusted P-CSCF at which nobody subscribed: 481", async () => {
    const other = await lab.peer({ at: OTHER_PCSCF });
    expectRefused([other, asking(other, { callId: "made-up" }), SCSCF], 481, "request.refused");
    expect(lab.reauthentications).toEqual([]);
  });
  test("out of dialog, without tags: 481", async () => {
    const other = await lab.peer({ at: OTHER_PCSCF });
    const made = { from: `<${victim.impu}>;tag=x`, to: "<sip:10.1.0.2:6060>" };
    expectRefused([other, asking(other, made), SCSCF], 481, "request.refused");
  });
  test("with the right Call-ID and a guessed tag: 481", async () => {
    const other = await lab.peer({ at: OTHER_PCSCF });
    const guessed = { from: `<${victim.impu}>;tag=guessed` };
    expectRefused([other, asking(other, guessed), SCSCF], 481, "request.refused");
    expect(lab.reauthentications).toEqual([]);
  });
  test("inside the very dialog, but from no trusted peer: 403", () => {
    expectRefused([stranger, asking(stranger), SCSCF], 403, "request.refused");
    expect(lab.reauthentications).toEqual([]);
  });
  test("by way of the P-CSCF from one of its UEs, inside the very dialog or not: 481", () => {
    for (const dialog of [{ callId: "made-up" }, {}]) {
      expectRefused([bob.peer, asking(bob.peer, dialog), ACCESS], 481, "request.refused");
      expect(lab.reauthentications).toEqual([]);
    }
  });
});

describe("the P-CSCF's core side", () => {
  const gone = (peer: Peer, from: string): SipRequest => {
    const [binding] = lab.atScscf("carol");
    const uri = /<([^>]*)>/.exec(binding?.path[0] ?? "")?.[1] ?? "";
    return peer.request("SUBSCRIBE", uri, from, [
      ...subscription(`<${from}>`, 0),
      ["To", `<${victim.impu}>`],
      ["P-Asserted-Identity", `<${from}>`],
    ]);
  };
  test("`binding gone` from somebody who is not the S-CSCF: 403", () => {
    expectRefused([stranger, gone(stranger, "sip:10.1.0.2:6060"), CORE], 403, "core.refused");
  });
  test("`binding gone` from a UE, to the Path URI it may have seen: 404", () => {
    expectRefused([bob.peer, gone(bob.peer, bob.impu), ACCESS], 404, "access.refused");
  });
  test("a request for the UE from nobody: 403", () => {
    const { uri } = gone(stranger, "sip:10.1.0.2:6060");
    const request = stranger.request("NOTIFY", victim.contactUri, victim.impu, [
      ["Route", `<${uri}>`],
    ]);
    expectRefused([stranger, request, CORE], 403, "core.refused");
    expect(victim.peer.requests.map(({ callId }) => callId)).not.toContain(request.callId);
  });
});

describe("a Route of a registered user's own making, within a dialog", () => {
  const AWAY = "192.0.2.99:5060";
  /** Along the dialog of bob's subscription, and then as it says. */
  const along = (uri: string, ...further: readonly string[]): SipRequest => {
    const answer = bob.peer.responses.find(({ cseq }) => cseq.method === "SUBSCRIBE");
    const own = answer?.texts("Record-Route").toReversed() ?? [];
    expect(own).toHaveLength(2);
    return bob.peer.request("MESSAGE", uri, bob.impu, [
      ["Call-ID", answer?.callId ?? ""],
      ["To", answer?.text("To") ?? ""],
      ["Route", [...own, ...further].join(", ")],
    ]);
  };
  const toStranger = (): number => stranger.requests.length;

  test.each<[string, () => SipRequest]>([
    ["a Route", () => along("sip:10.1.0.2:6060", `<sip:${AWAY};lr>`)],
    ["the Request-URI", () => along(`sip:${AWAY}`)],
    ["a maddr", () => along(`sip:10.1.0.2:6060;maddr=${AWAY.slice(0, -5)}`)],
    ["a strict router", () => along("sip:10.1.0.2:6060", `<sip:${AWAY}>`)],
    ["another port of the S-CSCF's host", () => along("sip:10.1.0.2:6061")],
  ])("that leaves the core at the P-CSCF by %s: 403, and nothing goes there", (_what, made) => {
    expectRefused([bob.peer, made(), ACCESS], 403, "access.unknown-hop");
    expect(toStranger()).toBe(0);
  });

  test("that leaves the core at the S-CSCF: 403, and nothing goes there", () => {
    const request = along("sip:10.1.0.2:6060", "<sip:10.1.0.2:6060;lr>", `<sip:${AWAY};lr>`);
    expectRefused([bob.peer, request, ACCESS], 403, "request.refused");
    expect(toStranger()).toBe(0);
    expect(lab.logs.scscf.named("request.refused").at(-1)).toMatchObject({
      reason: "unknown-hop",
      why: "sip:192.0.2.99:5060;lr is neither in trustedPeers nor in routes",
    });
  });

  test("is one line in the log, however often it is tried", () => {
    for (let n = 0; n < 5; n += 1) lab.exchange(bob.peer, along(`sip:${AWAY}`), ACCESS, 0.1);
    expect(lab.logs.pcscf.named("access.unknown-hop")).toEqual([
      expect.objectContaining({ hop: AWAY, setting: "trustedPeers" }),
    ]);
  });
});

describe("within the victim's dialog, with all that its messages show", () => {
  const within = (from: Peer): SipRequest => {
    const answer = victim.peer.responses.find(({ cseq }) => cseq.method === "SUBSCRIBE");
    const route = answer?.texts("Record-Route").toReversed() ?? [];
    expect(route).toHaveLength(2);
    return from.request("BYE", "sip:10.1.0.2:6060", victim.impu, [
      ["Call-ID", answer?.callId ?? ""],
      ["From", answer?.text("From") ?? ""],
      ["To", answer?.text("To") ?? ""],
      ["Route", route.join(", ")],
      ["CSeq", "99 BYE"],
    ]);
  };
  test("another registered user: 403", () => {
    expectRefused([bob.peer, within(bob.peer), ACCESS], 403, "access.refused");
  });
  test("the user itself, from another port of its address: goes on", async () => {
    const moved = await lab.peer({ at: { host: victim.peer.at.host, port: 5999 } });
    lab.exchange(moved, within(moved), ACCESS, 0.1);
    expect(lab.passed("BYE", "P-CSCF", "S-CSCF")).toHaveLength(1);
  });
});

describe("requests in a victim's name", () => {
  test.each(["MESSAGE", "INVITE", "OPTIONS", "PUBLISH"])("%s by nobody: 403", (method) => {
    const request = stranger.request(method, bob.impu, victim.impu, [
      ["Route", victim.serviceRoute.join(", ")],
      ["Contact", victim.contact],
      ["P-Preferred-Identity", `<${victim.impu}>`],
    ]);
    expectRefused([stranger, request, ACCESS], 403, "access.refused");
  });
  test("straight at the S-CSCF: 403", () => {
    const request = stranger.request("MESSAGE", bob.impu, victim.impu, [
      ["P-Asserted-Identity", `<${victim.impu}>`],
    ]);
    expectRefused([stranger, request, SCSCF], 403, "request.refused");
  });
  test("a Record-Route token that was made for another dialog: 403", () => {
    const [, token = ""] =
      /<sip:([^@>]*)@10\.0\.0\.1/.exec(
        victim.peer.requests[0]?.texts("Record-Route").join() ?? "",
      ) ?? [];
    expect(token).toContain(".");
    const request = stranger.request("MESSAGE", victim.contactUri, bob.impu, [
      ["Route", `<sip:${token}@10.0.0.1:5060;lr>`],
      ["To", `<${victim.impu}>;tag=x`],
    ]);
    expectRefused([stranger, request, ACCESS], 403, "access.refused");
  });
});
