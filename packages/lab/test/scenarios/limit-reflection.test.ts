// Whoever sends in another's name over UDP makes a node send that other at most one answer of three times the size.
import { encode } from "@ims-lab/common/sip/message/encode";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, CORE, DOMAIN, type Headers, impuOf, Lab, type Peer, SCSCF } from "./lab.ts";

const NODES = { access: ACCESS, core: CORE, "S-CSCF": SCSCF } as const;

/** As short as a request can be that is answered at all. */
function shortest(peer: Peer, method: string, uri: string, more: Headers = []): SipRequest {
  const given = new Set(more.map(([name]) => name));
  const { host } = peer.at;
  const usual: Headers = [
    ["Via", `SIP/2.0/UDP ${host};branch=z9hG4bK${method}`],
    ["From", "<sip:m@m>;tag=1"],
    ["To", `<${uri}>`],
    ["Call-ID", method],
    ["CSeq", `1 ${method}`],
  ];
  return newRequest(method, uri, [...usual.filter(([name]) => !given.has(name)), ...more]);
}

type Make = (peer: Peer) => SipRequest;
const named =
  (method: string, uri: string, more: Headers = []): Make =>
  (peer) =>
    shortest(peer, method, uri, more);

const DIGEST = 'Digest username="x", realm="r", nonce="n", uri="sip:x", response="00"';
const REQUESTS: readonly (readonly [string, Make])[] = [
  [
    "REGISTER of an ISIM user",
    named("REGISTER", `sip:${DOMAIN}`, [
      ["To", `<${impuOf("alice")}>`],
      ["Contact", "<sip:a@a>"],
    ]),
  ],
  [
    "REGISTER of a password user",
    named("REGISTER", `sip:${DOMAIN}`, [
      ["To", `<${impuOf("bob")}>`],
      ["Contact", "<sip:a@a>"],
    ]),
  ],
  ["REGISTER of nobody", named("REGISTER", `sip:${DOMAIN}`)],
  ["REGISTER with a wrong answer", named("REGISTER", `sip:${DOMAIN}`, [["Authorization", DIGEST]])],
  ["REGISTER elsewhere", named("REGISTER", "sip:elsewhere.example")],
  [
    "REGISTER that insists on IPsec",
    named("REGISTER", `sip:${DOMAIN}`, [["Require", "sec-agree"]]),
  ],
  ["REGISTER with a broken Contact", named("REGISTER", `sip:${DOMAIN}`, [["Contact", "<"]])],
  ["INVITE", named("INVITE", impuOf("bob"))],
  ["INVITE in nobody's dialog", named("INVITE", impuOf("bob"), [["To", "<sip:b@b>;tag=9"]])],
  [
    "INVITE through a forged Record-Route",
    named("INVITE", impuOf("bob"), [
      ["To", "<sip:b@b>;tag=9"],
      ["Route", `<sip:x.y@${ACCESS.host}:${ACCESS.port};lr>`],
    ]),
  ],
  ["MESSAGE", named("MESSAGE", impuOf("bob"))],
  [
    "SUBSCRIBE",
    named("SUBSCRIBE", impuOf("bob"), [
      ["Event", "reg"],
      ["Contact", "<sip:m@m>"],
    ]),
  ],
  [
    "NOTIFY",
    named("NOTIFY", impuOf("bob"), [
      ["Event", "reg"],
      ["Subscription-State", "active"],
    ]),
  ],
  ["CANCEL of nothing", named("CANCEL", impuOf("bob"))],
  ["BYE of nothing", named("BYE", impuOf("bob"), [["To", "<sip:b@b>;tag=9"]])],
  ["PUBLISH", named("PUBLISH", impuOf("bob"), [["Event", "presence"]])],
  ["an unknown method", named("HELLO", impuOf("bob"))],
  ["OPTIONS to the node", (peer) => shortest(peer, "OPTIONS", `sip:${ACCESS.host}:${ACCESS.port}`)],
  ["no hops left", named("OPTIONS", impuOf("bob"), [["Max-Forwards", "0"]])],
  ["another scheme", named("OPTIONS", "urn:x:y")],
  [
    "an unknown extension",
    named("OPTIONS", impuOf("bob"), [
      ["Require", "foo, bar, baz"],
      ["Proxy-Require", "foo, bar, baz"],
    ]),
  ],
  ["CSeq of another method", named("OPTIONS", impuOf("bob"), [["CSeq", "1 INVITE"]])],
];

describe.each(Object.keys(NODES) as (keyof typeof NODES)[])("%s", (node) => {
  test.each(REQUESTS)("%s", async (_name, make) => {
    const lab = await Lab.start();
    const peer = await lab.peer();
    const request = make(peer);
    peer.send(request, NODES[node]);
    lab.pass(40); // longer than any retransmission
    expect(peer.requests).toEqual([]);
    expect(peer.responses.length).toBeLessThanOrEqual(1);
    const most = 3 * encode(request).length;
    for (const response of peer.responses)
      expect(encode(response).length).toBeLessThanOrEqual(most);
  });

  test("a repeated datagram gets no more than its own answer", async () => {
    const lab = await Lab.start();
    const peer = await lab.peer();
    const request = shortest(peer, "INVITE", impuOf("bob"));
    for (let n = 0; n < 5; n++) peer.send(request, NODES[node]);
    lab.pass(40);
    expect(peer.responses.length).toBeLessThanOrEqual(5);
    const { pcscf, scscf } = lab;
    for (const endpoint of [pcscf.access, pcscf.core, scscf.endpoint])
      expect(endpoint.transactions.servers).toBe(0);
  });
});
