// Requests other than REGISTER through the P-CSCF, both ways. TS 24.229 §5.2.6, RFC 5658, RFC 3325.
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, ALICE, CORE, DOMAIN, Lab, type Peer, SCSCF, SERVICE_ROUTE, UE } from "../lab.ts";

interface Registered {
  readonly lab: Lab;
  readonly ue: Peer;
  readonly scscf: Peer;
  readonly path: string;
}

async function registered(...argv: string[]): Promise<Registered> {
  const lab = await Lab.start(...argv);
  const ue = await lab.peer(UE);
  const scscf = await lab.peer(SCSCF);
  const path = lab.registered(ue, scscf);
  return { lab, ue, scscf, path };
}

type Extra = readonly (readonly [string, string])[];

function subscribe(lab: Lab, ue: Peer, extra: Extra = []): SipRequest {
  const given = new Set(extra.map(([name]) => name));
  const usual: Extra = [
    ["Route", `<sip:10.0.0.1:5060;lr>, ${SERVICE_ROUTE}`],
    ["Call-ID", "sub-1"],
    ["Contact", `<sip:alice@${ue.at.host}:${ue.at.port}>`],
    ["Event", "reg"],
  ];
  return lab.request(ue, "SUBSCRIBE", ALICE, [
    ...usual.filter(([name]) => !given.has(name)),
    ...extra,
  ]);
}

describe("from the UE", () => {
  test("goes along the Service-Route with P-Asserted-Identity, icid and two Record-Routes", async () => {
    const { lab, ue, scscf } = await registered();
    ue.send(subscribe(lab, ue), ACCESS);
    lab.run();
    const got = scscf.takeRequest("SUBSCRIBE");
    expect(got.texts("Route")).toEqual([SERVICE_ROUTE]);
    expect(got.texts("P-Asserted-Identity")).toEqual([`<${ALICE}>`]);
    expect(got.text("P-Charging-Vector")).toContain("icid-value=");
    const [top, below, ...more] = got.texts("Record-Route");
    expect(more).toEqual([]);
    expect(top).toMatch(/^<sip:[\w.-]+@10\.1\.0\.1:4060;transport=udp;lr>$/);
    expect(below).toMatch(/^<sip:[\w.-]+@10\.0\.0\.1:5060;transport=udp;lr>$/);
  });

  test.each([
    ["a registered identity", `<sip:al@${DOMAIN}>`, [`<sip:al@${DOMAIN}>`]],
    [
      "SIP and tel",
      `<tel:+15550001>, <sip:al@${DOMAIN}>`,
      [`<sip:al@${DOMAIN}>`, "<tel:+15550001>"],
    ],
    ["somebody else's: the default IMPU", "<sip:ceo@ims.example>", [`<${ALICE}>`]],
  ])("P-Preferred-Identity: %s", async (_name, preferred, asserted) => {
    const { lab, ue, scscf } = await registered();
    ue.send(subscribe(lab, ue, [["P-Preferred-Identity", preferred]]), ACCESS);
    lab.run();
    const got = scscf.takeRequest("SUBSCRIBE");
    expect(got.texts("P-Asserted-Identity")).toEqual(asserted);
    expect(got.has("P-Preferred-Identity")).toBe(false);
  });

  test("P-Access-Network-Info: the UE's own goes on, what claims to be the network's does not", async () => {
    const { lab, ue, scscf } = await registered();
    const own = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1";
    const forged = `${own};network-provided, ${own}; Network-Provided ;x`;
    for (const [said, passed] of [
      [own, [own]],
      [forged, []],
      [`${own}, ${forged}`, [own]],
    ] as const) {
      ue.send(subscribe(lab, ue, [["P-Access-Network-Info", said]]), ACCESS);
      lab.run();
      expect(scscf.takeRequest("SUBSCRIBE").texts("P-Access-Network-Info")).toEqual(passed);
    }
    const logged = lab.log.named("request.forged-headers").map(({ headers }) => headers);
    expect(logged).toEqual([["P-Access-Network-Info"]]); // once a minute for this source
    expect(await lab.metrics.text()).toMatch(/forged_headers_total\{[^}]*P-Access[^}]*\} 2/);
  });

  test("a forged P-Asserted-Identity is replaced and logged by name", async () => {
    const { lab, ue, scscf } = await registered();
    ue.send(subscribe(lab, ue, [["P-Asserted-Identity", "<sip:ceo@ims.example>"]]), ACCESS);
    lab.run();
    expect(scscf.takeRequest("SUBSCRIBE").texts("P-Asserted-Identity")).toEqual([`<${ALICE}>`]);
    expect(lab.log.named("request.forged-headers")[0]?.["headers"]).toEqual([
      "P-Asserted-Identity",
    ]);
  });

  test.each([
    ["missing", undefined],
    ["different", "<sip:evil.example;lr>"],
    ["longer", `${SERVICE_ROUTE}, <sip:evil.example;lr>`],
    ["without its `;lr`", SERVICE_ROUTE.replace(";lr", "")],
    ["… behind our own entry", `<sip:10.0.0.1:5060>, ${SERVICE_ROUTE.replace(";lr", "")}`],
    ["with its `;lr` behind the bracket", SERVICE_ROUTE.replace(";lr>", ">;lr")],
    ["led elsewhere by maddr", SERVICE_ROUTE.replace(";lr", ";maddr=192.0.2.66;lr")],
    ["our entry led elsewhere by maddr", `<sip:10.0.0.1:5060;maddr=192.0.2.66;lr>`],
  ])("a preloaded Route that is %s is replaced", async (_name, route) => {
    const { lab, ue, scscf } = await registered();
    const request = subscribe(lab, ue);
    if (route === undefined) request.remove("Route");
    else request.set("Route", route);
    ue.send(request, ACCESS);
    lab.run();
    const got = scscf.takeRequest("SUBSCRIBE");
    expect(got.uri).toBe(ALICE);
    expect(got.texts("Route")).toEqual([SERVICE_ROUTE]);
    expect(await lab.metrics.text()).toMatch(/route_mismatch_total\{[^}]*\} 1/);
  });

  const STRICT = "sip:orig-1@10.1.0.2:6060";
  test.each([
    ["us in the Request-URI", "sip:10.0.0.1:5060", `<${STRICT};lr>, <${ALICE}>`],
    ["us, nothing with `;lr`", "sip:10.0.0.1:5060", `<${STRICT}>, <${ALICE}>`],
    ["us by maddr", "sip:x.example;maddr=10.0.0.1", `<${STRICT}>, <${ALICE}>`],
    ["the S-CSCF in the Request-URI", STRICT, `<${ALICE}>`],
    ["the S-CSCF with `;lr`", `${STRICT};lr`, `<${ALICE}>`],
    ["the S-CSCF, our own entry on top", STRICT, `<sip:10.0.0.1:5060;lr>, <${ALICE}>`],
  ])("RFC 3261 §16.4: a UE that routes strictly, %s", async (_name, uri, route) => {
    const { lab, ue, scscf } = await registered();
    ue.send(subscribe(lab, ue, [["Route", route]]).setUri(uri), ACCESS);
    lab.run();
    const got = scscf.takeRequest("SUBSCRIBE");
    expect(got.uri).toBe(ALICE);
    expect(got.texts("Route")).toEqual([SERVICE_ROUTE]);
  });

  test.each(["<sip:evil.example;lr>", SERVICE_ROUTE.replace(";lr", "")])(
    "routeMismatch: reject → 400: %s",
    async (route) => {
      const { lab, ue, scscf } = await registered("--access.routeMismatch=reject");
      ue.send(subscribe(lab, ue, [["Route", route]]), ACCESS);
      lab.run();
      ue.takeResponse(400);
      expect(scscf.inbox).toEqual([]);
    },
  );

  test("matches over another transport from the same address when it names the user", async () => {
    const { lab, scscf } = await registered();
    const tcp = await lab.peer(UE, "tcp");
    tcp.send(subscribe(lab, tcp, [["Via", lab.via(UE, "tcp")]]), ACCESS);
    lab.run();
    expect(scscf.takeRequest("SUBSCRIBE").texts("P-Asserted-Identity")).toEqual([`<${ALICE}>`]);
  });

  test("two users over one flow: the one that is named", async () => {
    const { lab, ue, scscf } = await registered();
    const bob: Extra = [
      ["From", `<sip:bob@${DOMAIN}>;tag=b`],
      ["To", `<sip:bob@${DOMAIN}>`],
      ["Call-ID", "reg-bob"],
      ["Contact", `<sip:bob@${UE.host}:${UE.port}>`],
      ["Authorization", `Digest username="bob",realm="x",nonce="n",uri="sip:x",response="r"`],
    ];
    ue.send(lab.register(ue, bob), ACCESS);
    lab.run();
    const accepted = lab.accepted(scscf.takeRequest("REGISTER"));
    scscf.reply(accepted.set("P-Associated-URI", `<sip:bob@${DOMAIN}>`));
    lab.run();
    ue.takeResponse(200);
    const fromBob: Extra = [["From", `<sip:bob@${DOMAIN}>;tag=b`]];
    ue.send(subscribe(lab, ue, fromBob), ACCESS);
    lab.run();
    expect(scscf.takeRequest("SUBSCRIBE").texts("P-Asserted-Identity")).toEqual([
      `<sip:bob@${DOMAIN}>`,
    ]);
    const anonymous: Extra = [
      ["From", "<sip:anonymous@anonymous.invalid>;tag=c"],
      ["Call-ID", "s2"],
    ];
    ue.send(subscribe(lab, ue, [...anonymous, ["Contact", "<sip:x@192.0.2.7>"]]), ACCESS);
    lab.run();
    ue.takeResponse(403);
  });
});

describe("strangers", () => {
  test.each([
    ["another address", { host: "192.0.2.9", port: 5060 }],
    ["another port of the same address", { host: UE.host, port: 5061 }],
  ])("%s: stateless 403, nothing reaches the core", async (_name, at) => {
    const { lab, scscf } = await registered();
    const stranger = await lab.peer(at);
    stranger.send(subscribe(lab, stranger), ACCESS);
    lab.run();
    stranger.takeResponse(403);
    expect(scscf.inbox).toEqual([]);
    expect(lab.log.named("access.refused")[0]).toMatchObject({ reason: "stranger" });
  });

  test("an ACK that matches nothing is dropped", async () => {
    const { lab, scscf } = await registered();
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    stranger.send(lab.request(stranger, "ACK", ALICE, []), ACCESS);
    lab.run();
    expect(stranger.inbox).toEqual([]);
    expect(scscf.inbox).toEqual([]);
  });

  test("OPTIONS to ourselves: 200", async () => {
    const lab = await Lab.start();
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    stranger.send(lab.request(stranger, "OPTIONS", "sip:10.0.0.1:5060", []), ACCESS);
    lab.run();
    stranger.takeResponse(200);
  });

  test("after the de-registration the user is one", async () => {
    const { lab, ue, scscf } = await registered();
    ue.send(
      lab.register(ue, [
        ["CSeq", "3 REGISTER"],
        ["Expires", "0"],
      ]),
      ACCESS,
    );
    lab.run();
    scscf.reply(lab.accepted(scscf.takeRequest("REGISTER"), 0));
    lab.run();
    ue.takeResponse(200);
    ue.send(subscribe(lab, ue), ACCESS);
    lab.run();
    ue.takeResponse(403);
  });
});

/** A SUBSCRIBE's dialog, set up through the P-CSCF; gives both route sets. */
function dialog({ lab, ue, scscf }: Registered): {
  ofUe: readonly string[];
  ofScscf: readonly string[];
} {
  ue.send(subscribe(lab, ue), ACCESS);
  lab.run();
  const got = scscf.takeRequest("SUBSCRIBE");
  const headers: Extra = [
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["Expires", "600"],
  ];
  scscf.reply(newResponse(got, 200, { toTag: "s", headers }));
  lab.run();
  const recorded = ue.takeResponse(200).texts("Record-Route");
  return { ofUe: [...recorded].reverse(), ofScscf: recorded };
}

function notify(lab: Lab, scscf: Peer, route: readonly string[], callId = "sub-1"): SipRequest {
  return lab.request(scscf, "NOTIFY", "sip:alice@192.0.2.1:5060", [
    ["Route", route.join(", ")],
    ["From", `<${ALICE}>;tag=s`],
    ["To", `<${ALICE}>;tag=a`],
    ["Call-ID", callId],
    ["Contact", "<sip:10.1.0.2:6060>"],
  ]);
}

describe("in a dialog", () => {
  test.each([
    ["without it", []],
    ["with entries of its own alone", ["<sip:s.example;lr>"]],
  ])("our Record-Route is put back into an answer of the core %s", async (_what, listed) => {
    const { lab, ue, scscf } = await registered();
    ue.send(subscribe(lab, ue), ACCESS);
    lab.run();
    const got = scscf.takeRequest("SUBSCRIBE");
    const answer = newResponse(got, 200, { toTag: "s", headers: [["Contact", "<sip:x@y>"]] });
    answer.remove("Record-Route");
    if (listed.length > 0) answer.set("Record-Route", listed);
    scscf.reply(answer);
    lab.run();
    expect(ue.takeResponse(200).texts("Record-Route")).toEqual([
      ...listed,
      ...got.texts("Record-Route"),
    ]);
  });

  test("the NOTIFY goes over the UE's flow, recorded on both sides, and its 200 comes back", async () => {
    const on = await registered();
    const { ofScscf } = dialog(on);
    on.scscf.send(notify(on.lab, on.scscf, ofScscf), CORE);
    on.lab.run();
    const got = on.ue.takeRequest("NOTIFY");
    expect(got.has("Route")).toBe(false);
    const [top, below] = got.texts("Record-Route");
    expect(top).toContain("@10.0.0.1:5060");
    expect(below).toContain("@10.1.0.1:4060");
    // The dialog has its token already: it is recorded as it came, for either way.
    expect([below, top]).toEqual(ofScscf);
    on.ue.reply(newResponse(got, 200, { headers: [["P-Asserted-Identity", "<sip:ceo@x>"]] }));
    on.lab.run();
    const answer = on.scscf.takeResponse(200);
    expect(answer.texts("Via")).toHaveLength(1);
    expect(answer.has("P-Asserted-Identity")).toBe(false);
  });

  test("the refresh takes both our entries off and goes to the remote target", async () => {
    const on = await registered();
    const { ofUe } = dialog(on);
    const refresh = on.lab.request(on.ue, "SUBSCRIBE", "sip:10.1.0.2:6060", [
      ["Route", ofUe.join(", ")],
      ["To", `<${ALICE}>;tag=s`],
      ["Call-ID", "sub-1"],
      ["CSeq", "2 SUBSCRIBE"],
      ["Contact", "<sip:alice@192.0.2.1:5060>"],
    ]);
    on.ue.send(refresh, ACCESS);
    on.lab.run();
    const got = on.scscf.takeRequest("SUBSCRIBE");
    expect(got.has("Route")).toBe(false);
    expect(got.texts("P-Asserted-Identity")).toEqual([`<${ALICE}>`]);
  });

  test.each([
    ["a token of another dialog", "sub-2"],
    ["the right dialog", "sub-1"],
  ])("from somewhere else with %s", async (_name, callId) => {
    const on = await registered();
    const { ofUe } = dialog(on);
    const stranger = await on.lab.peer({ host: "192.0.2.9", port: 5060 });
    const request = on.lab.request(stranger, "SUBSCRIBE", "sip:10.1.0.2:6060", [
      ["Route", ofUe.join(", ")],
      ["To", `<${ALICE}>;tag=s`],
      ["Call-ID", callId],
      ["CSeq", "2 SUBSCRIBE"],
    ]);
    stranger.send(request, ACCESS);
    on.lab.run();
    if (callId === "sub-2") {
      stranger.takeResponse(403);
      expect(on.scscf.inbox).toEqual([]);
    } else expect(on.scscf.takeRequest("SUBSCRIBE").has("P-Asserted-Identity")).toBe(false);
  });
});

describe("from the core", () => {
  test.each([
    ["an unknown token", "<sip:nobody@10.1.0.1:4060;lr>", 480],
    [
      "a Record-Route token of another life or a forged one",
      "<sip:nobody.abcdefghijklmnop@10.1.0.1:4060;lr>",
      481,
    ],
    ["no token", "<sip:10.1.0.1:4060;lr>", 404],
  ])("%s", async (_name, route, status) => {
    const { lab, ue, scscf } = await registered();
    scscf.send(notify(lab, scscf, [route], "other"), CORE);
    lab.run();
    scscf.takeResponse(status);
    expect(ue.inbox).toEqual([]);
  });

  test("a sips: URI does not leave over a flow that is not TLS (RFC 5630 §5.3)", async () => {
    const { lab, ue, scscf, path } = await registered();
    const request = notify(lab, scscf, [path], "other").setUri("sips:alice@192.0.2.1:5060");
    scscf.send(request, CORE);
    lab.run();
    const refused = scscf.takeResponse(480);
    expect(refused.text("Warning")).toBe('380 ims-lab "SIPS Not Allowed"');
    expect(ue.inbox).toEqual([]);
  });

  test("only from trusted peers", async () => {
    const { lab, ue, path } = await registered();
    const stranger = await lab.peer({ host: "10.1.0.2", port: 6666 });
    stranger.send(notify(lab, stranger, [path]), CORE);
    lab.run();
    stranger.takeResponse(403);
    expect(ue.inbox).toEqual([]);
    expect(lab.log.named("core.refused")[0]).toMatchObject({ reason: "untrusted-peer" });
  });

  test("what the network keeps to itself does not reach the UE", async () => {
    const { lab, ue, scscf, path } = await registered();
    const request = notify(lab, scscf, [path]);
    request.set("P-Charging-Vector", "icid-value=1").set("P-Charging-Function-Addresses", "ccf=x");
    request.set("P-Asserted-Identity", "<sip:bob@x>").set("Privacy", "id");
    request.set("P-Access-Network-Info", "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1");
    scscf.send(request, CORE);
    lab.run();
    const got = ue.takeRequest("NOTIFY");
    for (const name of [
      "P-Charging-Vector",
      "P-Charging-Function-Addresses",
      "P-Asserted-Identity",
      "P-Access-Network-Info",
    ])
      expect(got.has(name)).toBe(false);
  });

  test.each([
    [
      "whom the network has called",
      [["P-Called-Party-ID", `<sip:al@${DOMAIN}>`]],
      `<sip:al@${DOMAIN}>`,
    ],
    ["the default identity", [], `<${ALICE}>`],
  ] as const)(
    "who answers is %s, whatever the UE claims (TS 24.229 §5.2.6.4.3)",
    async (_what, headers, asserted) => {
      const { lab, ue, scscf, path } = await registered();
      const request = lab.request(scscf, "MESSAGE", "sip:alice@192.0.2.1:5060", [
        ["Route", path],
        ["To", `<${ALICE}>`],
        ...headers,
      ]);
      scscf.send(request, CORE);
      lab.run();
      const claims = [["P-Asserted-Identity", "<sip:ceo@ims.example>"] as const];
      ue.send(newResponse(ue.takeRequest("MESSAGE"), 200, { toTag: "a", headers: claims }), ACCESS);
      lab.run();
      expect(scscf.takeResponse(200).texts("P-Asserted-Identity")).toEqual([asserted]);
    },
  );

  test("RFC 5626 §5.3.1: a lost connection is 430 until the UE registers again", async () => {
    const lab = await Lab.start();
    const scscf = await lab.peer(SCSCF);
    const ue = await lab.peer(UE, "tcp");
    const path = lab.registered(ue, scscf, [["Via", lab.via(UE, "tcp")]]);
    lab.network.breakStreams();
    lab.run();
    scscf.send(notify(lab, scscf, [path]), CORE);
    lab.run();
    scscf.takeResponse(430);
    lab.registered(ue, scscf, [
      ["Via", lab.via(UE, "tcp")],
      ["Call-ID", "again"],
    ]);
    scscf.send(notify(lab, scscf, [path], "n2"), CORE);
    lab.run();
    ue.takeRequest("NOTIFY");
  });

  test("a large request still goes over the UE's UDP flow", async () => {
    const { lab, ue, scscf, path } = await registered();
    const request = notify(lab, scscf, [path]).set("X-Filler", "x".repeat(2000));
    scscf.send(request, CORE);
    lab.run();
    expect(ue.takeRequest("NOTIFY").text("X-Filler")).toHaveLength(2000);
  });
});

test("RFC 5626 §3.5.1: a UDP flow through a NAT gets CRLFCRLF every 25 s, others do not", async () => {
  const lab = await Lab.start();
  const scscf = await lab.peer(SCSCF);
  const inside = { host: "10.99.0.5", port: 5060 };
  const ue = await lab.peer(UE);
  lab.registered(ue, scscf, [["Via", lab.via(inside)]]);
  const other = await lab.peer({ host: "192.0.2.2", port: 5060 });
  lab.registered(other, scscf, [
    ["Call-ID", "plain"],
    ["To", `<sip:carol@${DOMAIN}>`],
  ]);
  const pingsTo = (host: string): number =>
    lab.network.log.filter(({ to, bytes }) => to.host === host && bytes.toString() === "\r\n\r\n")
      .length;
  lab.run(76_000);
  expect(pingsTo(UE.host)).toBe(3);
  expect(pingsTo("192.0.2.2")).toBe(0);
});
