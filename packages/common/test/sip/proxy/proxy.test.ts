// The stateful proxy core between endpoints: RFC 3261 §9, §16; RFC 5393 §5.
import { describe, expect, test } from "vitest";
import type { Incoming } from "../../../src/sip/endpoint/endpoint.ts";
import { Via } from "../../../src/sip/message/fields.ts";
import { newResponse } from "../../../src/sip/message/message.ts";
import { ProxyCore } from "../../../src/sip/proxy/proxy.ts";
import { EndpointLab, type LabEndpoint, outcome, request } from "../endpoint/endpoint-lab.ts";

const P = { host: "10.0.0.5", port: 5060 };

interface Fork {
  readonly lab: EndpointLab;
  readonly core: ProxyCore;
  readonly a: LabEndpoint;
  readonly callees: readonly LabEndpoint[];
}

type Handler = (incoming: Incoming) => void;

/** a → p → each of these at once. */
async function fork(...handlers: readonly Handler[]): Promise<Fork> {
  const lab = new EndpointLab();
  const core = new ProxyCore({ clock: lab.clock });
  const a = await lab.endpoint("10.0.0.1");
  const callees = await Promise.all(
    handlers.map((handler, at) => lab.endpoint(`10.0.0.${at + 20}`, {}, handler)),
  );
  const p: LabEndpoint = await lab.endpoint(P.host, {}, (incoming) => {
    const { method } = incoming.request;
    if (method === "ACK") return;
    if (method === "CANCEL") {
      if (!core.cancel(incoming)) incoming.refuse(481);
      return;
    }
    const targets = handlers.map((_, at) => ({
      request: incoming.request.clone(),
      to: { host: `10.0.0.${at + 20}`, port: 5060 },
      q: 1,
    }));
    core.forward({ incoming, sender: p, targets });
  });
  return { lab, core, a, callees };
}

function says(status: number, ...headers: readonly (readonly [string, string])[]): Handler {
  return (incoming) => {
    if (incoming.request.method !== "ACK")
      incoming.respond(newResponse(incoming.request, status, { toTag: "b", headers }));
  };
}

test("closed, it leaves no Timer C behind", async () => {
  const { lab, core, a } = await fork(says(180), says(180));
  a.request(request("INVITE"), P, outcome());
  lab.clock.advance(100);
  const before = lab.clock.pending;
  core.close();
  expect(lab.clock.pending).toBe(before - 2);
});

test("§9.1, §16.10: CANCEL goes hop by hop, each under its own INVITE's branch", async () => {
  const rings: Handler = (incoming) => {
    const { request: came, cancels } = incoming;
    if (came.method === "INVITE") incoming.respond(newResponse(came, 180, { toTag: "b" }));
    if (came.method !== "CANCEL") return;
    incoming.respond(newResponse(came, 200));
    if (cancels !== undefined) cancels.respond(newResponse(cancels.request, 487, { toTag: "b" }));
  };
  const { lab, a, callees } = await fork(rings, rings);
  const result = outcome();
  const call = a.request(request("INVITE"), P, result);
  call.cancel(); // before anything came: it waits (§9.1)
  lab.clock.advance(100);
  expect(result.seen).toEqual([100, 180, 180, 487]);
  for (const { received } of callees) {
    const [invite, cancel] = received.map((incoming) => incoming.request);
    expect(cancel?.method).toBe("CANCEL");
    expect(cancel?.get(Via)?.branch).toBe(invite?.get(Via)?.branch);
    expect(cancel?.all(Via)).toHaveLength(1);
    expect([cancel?.uri, cancel?.cseq.number]).toEqual([invite?.uri, invite?.cseq.number]);
  }
  call.cancel();
  lab.clock.advance(100);
  expect(callees[0]?.received).toHaveLength(2); // its end has come: nothing more
});

describe("RFC 3326: why a phone stops ringing", () => {
  const rings = says(180);
  const reasonsAt = ({ received }: LabEndpoint): readonly string[] | undefined =>
    received.find(({ request: { method } }) => method === "CANCEL")?.request.texts("Reason");

  test.each([
    ["the call was completed elsewhere", 200, 'SIP;cause=200;text="Call completed elsewhere"'],
    ["somebody declined for all", 603, 'SIP;cause=603;text="Decline"'],
  ])("%s", async (_what, status, reason) => {
    const answers: Handler = (incoming) => {
      if (incoming.request.method === "INVITE") says(180)(incoming);
      lab.clock.after(50, () => says(status)(incoming));
    };
    const { lab, a, callees } = await fork(rings, answers);
    a.request(request("INVITE"), P, outcome());
    lab.clock.advance(200);
    expect(callees[0] && reasonsAt(callees[0])).toEqual([reason]);
  });

  test("what the caller's CANCEL says passes on", async () => {
    const { lab, a, callees } = await fork(rings);
    const call = a.request(request("INVITE"), P, outcome());
    const reasons = ["SIP;cause=408", "Q.850;cause=102"];
    call.cancel(reasons);
    lab.clock.advance(200);
    expect(callees[0] && reasonsAt(callees[0])).toEqual(reasons);
  });
});

test("a CANCEL for what is not known: 481", async () => {
  const { lab } = await fork(says(200));
  const peer = await lab.peer("10.0.0.9");
  peer.send(
    "CANCEL sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
    P.host,
  );
  expect(peer.inbox).toMatchObject([{ status: 481 }]);
});

test.each([
  ["§16.7 step 6: a 503 becomes a 500", [503], 500],
  ["§16.9: as does a next hop that refuses", [486, 503], 486],
  ["the lowest class wins", [500, 404, 302], 302],
])("%s", async (_name, statuses, expected) => {
  const { lab, a } = await fork(...statuses.map((status) => says(status)));
  const result = outcome();
  a.request(request("INVITE"), P, result);
  lab.clock.advance(100);
  expect(result.seen.at(-1)).toBe(expected);
});

test("§16.7 step 7: the caller gets the challenges of all branches", async () => {
  const challenge = (realm: string): Handler =>
    says(407, ["Proxy-Authenticate", `Digest realm="${realm}",nonce="n"`]);
  const { lab, a } = await fork(challenge("one"), challenge("two"));
  const result = outcome();
  a.request(request("INVITE"), P, result);
  lab.clock.advance(100);
  expect(result.responses.at(-1)?.texts("Proxy-Authenticate")).toHaveLength(2);
});

test("RFC 5393 §5: no breadth left: 440; less than there are targets: one after the other", async () => {
  const { lab, a, callees } = await fork(says(486), says(404));
  const none = outcome();
  a.request(request("MESSAGE", [["Max-Breadth", "0"]]), P, none);
  lab.clock.advance(100);
  expect(none.seen).toEqual([440]);
  const one = outcome();
  a.request(request("INVITE", [["Max-Breadth", "1"]]), P, one);
  lab.clock.advance(100);
  expect(one.seen).toEqual([100, 486]);
  expect(callees.map(({ received }) => received[0]?.request.text("Max-Breadth"))).toEqual([
    "1",
    "1",
  ]);
});

test("RFC 6026: every 2xx of every fork goes to the caller", async () => {
  const { lab, a } = await fork(says(200), says(200));
  const result = outcome();
  a.request(request("INVITE"), P, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual([100, 200, 200]);
});
