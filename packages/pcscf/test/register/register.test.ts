// REGISTER through the P-CSCF. TS 24.229 §5.2.2.1, RFC 3327, RFC 3310.
import { Authorization, Route } from "@ims-lab/common/sip/message/fields";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import {
  ACCESS,
  ALICE,
  challenge,
  credentials,
  DOMAIN,
  IMPI,
  Lab,
  type Peer,
  SCSCF,
  UE,
  uriOf,
} from "../lab.ts";

async function lab(...argv: string[]): Promise<{ lab: Lab; ue: Peer; scscf: Peer }> {
  const started = await Lab.start(...argv);
  return { lab: started, ue: await started.peer(UE), scscf: await started.peer(SCSCF) };
}

function integrityOf(request: SipRequest): string | undefined {
  return request.get(Authorization)?.params.get("integrity-protected");
}

describe("upstream", () => {
  test("TS 24.229 §5.2.2.1: Path, Require, visited network, charging vector, integrity-protected", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue), ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(register.text("Path")).toMatch(/^<sip:[\w-]{22}@10\.1\.0\.1:4060;lr>$/);
    expect(register.texts("Require")).toEqual(["path"]);
    expect(register.text("P-Visited-Network-ID")).toBe('"ims.mnc001.mcc001.3gppnetwork.org"');
    expect(register.text("P-Charging-Vector")).toMatch(
      /^icid-value="[\da-f]{32}";icid-generated-at=10\.1\.0\.1;orig-ioi=/,
    );
    expect(integrityOf(register)).toBe("no");
    expect(register.has("Record-Route")).toBe(false);
    expect(register.text("Max-Forwards")).toBe("69");
  });

  test("what the UE has no business to send is replaced or removed, and logged by name", async () => {
    const { lab: on, ue, scscf } = await lab();
    const forged: [string, string][] = [
      ["Path", "<sip:evil@10.9.9.9;lr>"],
      ["Service-Route", "<sip:evil@10.9.9.9;lr>"],
      ["P-Asserted-Identity", "<sip:ceo@ims.example>"],
      ["P-Charging-Vector", "icid-value=evil"],
      ["P-Charging-Function-Addresses", "ccf=evil"],
      ["Route", "<sip:10.9.9.9;lr>"],
      ["Authorization", `${credentials()},integrity-protected="yes",integrity-protected=auth-done`],
    ];
    ue.send(on.register(ue, forged), ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(register.texts("Path")).toHaveLength(1);
    expect(register.text("Path")).toContain("@10.1.0.1:4060");
    for (const gone of [
      "Service-Route",
      "P-Asserted-Identity",
      "P-Charging-Function-Addresses",
      "Route",
    ])
      expect(register.has(gone)).toBe(false);
    expect(register.text("P-Charging-Vector")).not.toContain("evil");
    expect(register.text("Authorization")?.match(/integrity-protected/g)).toHaveLength(1);
    expect(integrityOf(register)).toBe("no");
    const [line] = on.log.named("register.forged-headers");
    expect(line?.["headers"]).toContain("integrity-protected");
    expect(line?.["headers"]).toContain("P-Asserted-Identity");
  });

  test.each([
    ["a digest answer", { nonce: "n", response: "r", more: "" }, "ip-assoc-pending"],
    ["an AKA answer", { nonce: "n", response: "r", more: ",algorithm=AKAv1-MD5" }, "no"],
    ["an empty response", { nonce: "", response: "", more: "" }, "no"],
  ])(
    "%s from an unknown source is marked %o → %s",
    async (_name, { nonce, response, more }, expected) => {
      const { lab: on, ue, scscf } = await lab();
      ue.send(on.register(ue, [["Authorization", credentials(nonce, response) + more]]), ACCESS);
      on.run();
      expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe(expected);
    },
  );

  test("RFC 3310 §3.3: an answer to an AKA challenge need not say so, and is none of a digest", async () => {
    const { lab: on, ue, scscf } = await lab();
    const first = on.register(ue);
    ue.send(first, ACCESS);
    on.run();
    scscf.reply(challenge(scscf.takeRequest("REGISTER")));
    on.run();
    for (const [nonce, expected] of [
      ["n1", "no"],
      ["of another challenge", "ip-assoc-pending"],
    ] as const) {
      ue.send(on.register(ue, [["Authorization", credentials(nonce, "r")]]), ACCESS);
      on.run();
      expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe(expected);
    }
  });

  test.each([
    [ALICE, "ip-assoc-yes"],
    [`sip:al@${DOMAIN}`, "ip-assoc-yes"],
    ["tel:+1-555-0001", "ip-assoc-yes"],
    [`sip:barred@${DOMAIN}`, "no"],
    [`sip:bob@${DOMAIN}`, "no"],
  ])("over alice's association, To %s: %s", async (to, expected) => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    ue.send(on.register(ue, [["To", `<${to}>`]]), ACCESS);
    on.run();
    expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe(expected);
  });

  test("the identity that was registered counts, barred or not (TS 23.228 §4.3.3)", async () => {
    const { lab: on, ue, scscf } = await lab();
    const to: [string, string] = ["To", `<sip:barred@${DOMAIN}>`];
    on.registered(ue, scscf, [to]);
    ue.send(on.register(ue, [to]), ACCESS);
    on.run();
    expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe("ip-assoc-yes");
  });

  test("without Authorization nothing is inserted; the Path stays the same when it comes", async () => {
    const { lab: on, ue, scscf } = await lab();
    const bare = on.register(ue).remove("Authorization");
    ue.send(bare, ACCESS);
    on.run();
    const first = scscf.takeRequest("REGISTER");
    expect(first.has("Authorization")).toBe(false);
    scscf.reply(challenge(first));
    on.run();
    ue.takeResponse(401);
    const other = credentials("n1", "r", "001010000000001@ims.example");
    ue.send(
      on.register(ue, [
        ["CSeq", "2 REGISTER"],
        ["Authorization", other],
      ]),
      ACCESS,
    );
    on.run();
    expect(scscf.takeRequest("REGISTER").text("Path")).toBe(first.text("Path"));
  });

  test("a UE that does not list path is registered with Path, and never sees it", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue, [["Supported", "gruu"]]), ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(register.texts("Supported")).toEqual(["gruu", "path"]);
    scscf.reply(on.accepted(register));
    on.run();
    expect(ue.takeResponse(200).has("Path")).toBe(false);
  });

  test("a UE that lists path gets it back", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue), ACCESS);
    on.run();
    scscf.reply(on.accepted(scscf.takeRequest("REGISTER")));
    on.run();
    expect(ue.takeResponse(200).has("Path")).toBe(true);
  });

  test("malformed credentials get 400 and go nowhere", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue, [["Authorization", 'Digest username="a",nonce=="']]), ACCESS);
    on.run();
    ue.takeResponse(400);
    expect(scscf.inbox).toEqual([]);
  });
});

describe("integrity-protected after a registration", () => {
  test("ip-assoc-yes from the source that authenticated, with its IMPI and Contact", async () => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    ue.send(
      on.register(ue, [
        ["CSeq", "3 REGISTER"],
        ["Authorization", credentials("n1", "r")],
      ]),
      ACCESS,
    );
    on.run();
    expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe("ip-assoc-yes");
  });

  test.each([
    ["another address", { host: "192.0.2.9", port: 5060 }, "udp"],
    ["another port", { host: UE.host, port: 5061 }, "udp"],
    ["another transport", UE, "tcp"],
  ] as const)("never from %s", async (_name, at, transport) => {
    const { lab: on, ue, scscf } = await lab();
    const path = on.registered(ue, scscf);
    const other = await on.peer(at, transport);
    const stolen = on.register(
      other,
      [
        ["CSeq", "3 REGISTER"],
        ["Contact", `<sip:alice@${UE.host}:${UE.port}>`],
        ["Authorization", credentials("n1", "r")],
      ],
      transport,
    );
    other.send(stolen, ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(integrityOf(register)).toBe("ip-assoc-pending");
    expect(register.text("Path")).toBe(path); // of the binding, not of the 5-tuple
  });

  test.each([
    ["another IMPI", [["Authorization", credentials("n1", "r", `mallory@${DOMAIN}`)]]],
    ["another Contact", [["Contact", "<sip:alice@192.0.2.1:5099>"]]],
  ] as const)("never with %s", async (_name, headers) => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    ue.send(on.register(ue, [["CSeq", "3 REGISTER"], ...headers]), ACCESS);
    on.run();
    expect(integrityOf(scscf.takeRequest("REGISTER"))).not.toBe("ip-assoc-yes");
  });

  test("never with another Contact of the same instance", async () => {
    const { lab: on, ue, scscf } = await lab();
    const contact = (port: number): [string, string] => [
      "Contact",
      `<sip:alice@192.0.2.1:${port}>;+sip.instance="<urn:uuid:1>"`,
    ];
    const path = on.registered(ue, scscf, [contact(5060)]);
    ue.send(on.register(ue, [["CSeq", "3 REGISTER"], contact(5099)]), ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(register.text("Path")).toBe(path);
    expect(integrityOf(register)).toBe("no");
  });

  test("never after a 200 that proved nothing", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue).remove("Authorization"), ACCESS);
    on.run();
    scscf.reply(on.accepted(scscf.takeRequest("REGISTER")));
    on.run();
    ue.takeResponse(200);
    ue.send(on.register(ue, [["CSeq", "2 REGISTER"]]), ACCESS);
    on.run();
    expect(integrityOf(scscf.takeRequest("REGISTER"))).toBe("no");
  });

  test("a late 200 to a refresh takes no device back to the address that it has left", async () => {
    const { lab: on, ue, scscf } = await lab();
    const contact = (port: number): [string, string] => [
      "Contact",
      `<sip:alice@192.0.2.1:${port}>;+sip.instance="<urn:uuid:1>"`,
    ];
    on.registered(ue, scscf, [contact(5060)]);
    ue.send(on.register(ue, [["CSeq", "3 REGISTER"], contact(5060)]), ACCESS);
    on.run();
    const refresh = scscf.takeRequest("REGISTER");
    expect(integrityOf(refresh)).toBe("ip-assoc-yes");
    const elsewhere = await on.peer({ ...UE, port: 5099 });
    on.registered(elsewhere, scscf, [contact(5099), ["Call-ID", "reg-2"]]);
    scscf.reply(on.accepted(refresh));
    on.run();
    const [binding, ...more] = on.pcscf.table.all();
    expect(more).toEqual([]);
    expect(binding?.flow.remote.port).toBe(5099);
    expect(binding?.contact).toBe("sip:alice@192.0.2.1:5099");
    ue.takeResponse(200);
  });

  test("RFC 3261 §10.3 step 7: a late 200 to an earlier REGISTER changes nothing", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue, [["CSeq", "1 REGISTER"]]), ACCESS);
    ue.send(on.register(ue, [["CSeq", "2 REGISTER"]]), ACCESS);
    on.run();
    const early = scscf.takeRequest("REGISTER");
    scscf.reply(on.accepted(scscf.takeRequest("REGISTER"), 600));
    on.run();
    scscf.reply(on.accepted(early, 6000));
    on.run();
    const [binding] = [...on.pcscf.table.all()];
    expect(binding?.cseq).toBe(2);
    expect(binding?.expiresAt).toBeLessThan(on.clock.now() + 601_000);
  });

  test("a refused attempt from elsewhere changes neither flow nor source", async () => {
    const { lab: on, ue, scscf } = await lab();
    const path = on.registered(ue, scscf);
    const thief = await on.peer({ host: "192.0.2.9", port: 5060 });
    const contact: [string, string] = ["Contact", `<sip:alice@${UE.host}:${UE.port}>`];
    thief.send(on.register(thief, [["CSeq", "9 REGISTER"], contact]), ACCESS);
    on.run();
    scscf.reply(newResponse(scscf.takeRequest("REGISTER"), 403, { toTag: "s" }));
    on.run();
    thief.takeResponse(403);
    const [binding] = on.pcscf.table.ofImpu(ALICE);
    expect(binding?.flow.remote).toEqual(UE);
    expect(binding?.source).toBe("udp:192.0.2.1:5060");
    expect(binding?.token).toBe(/sip:([^@]*)@/.exec(path)?.[1]);
  });
});

describe("downstream", () => {
  test("RFC 3310: ik and ck are taken out in place, the rest stays as it came", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue), ACCESS);
    on.run();
    scscf.reply(challenge(scscf.takeRequest("REGISTER")));
    on.run();
    const response = ue.takeResponse(401);
    expect(response.text("WWW-Authenticate")).toBe(
      `Digest realm="${DOMAIN}",nonce="n1",algorithm=AKAv1-MD5,qop="auth"`,
    );
  });

  test("the 200 makes the binding: Service-Route, identities, flow, expiry", async () => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    const [binding] = [...on.pcscf.table.all()];
    expect(binding).toMatchObject({
      impi: IMPI,
      impus: [ALICE, `sip:al@${DOMAIN}`, "tel:+15550001"],
      serviceRoute: ["<sip:orig-1@10.1.0.2:6060;lr>"],
      contact: "sip:alice@192.0.2.1:5060",
      authenticatedAt: expect.any(Number),
    });
    expect(binding?.expiresAt).toBeGreaterThan(on.clock.now() + 599_000);
  });

  test("a Service-Route that leads nowhere is none: the settings' S-CSCF is asked", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue), ACCESS);
    on.run();
    const damaged: [string, string] = ["Service-Route", "<sip:orig@10."];
    scscf.reply(on.accepted(scscf.takeRequest("REGISTER"), 600, [damaged]));
    on.run();
    expect([...on.pcscf.table.all()]).toMatchObject([{ serviceRoute: [] }]);
  });

  test("RFC 3608 §5: the Service-Route is that of the last 200, whatever the one before it said", async () => {
    const { lab: on, ue, scscf } = await lab();
    const routes = ["<sip:orig@10.1.0.2:6060;lr>", "<sip:orig@10.1.0.3:6060;lr>"];
    for (const route of [...routes, "<sip:orig@10.", ...routes]) {
      ue.send(on.register(ue), ACCESS);
      on.run();
      const accepted = on.accepted(scscf.takeRequest("REGISTER"));
      scscf.reply(accepted.set("Service-Route", route));
      on.run();
      const serviceRoute = route.endsWith(">") ? [route] : [];
      expect([...on.pcscf.table.all()]).toMatchObject([{ serviceRoute }]);
    }
  });

  test("the REGISTER that got its 200 brings the flow", async () => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    const moved = await on.peer({ host: "192.0.2.1", port: 5099 });
    const contact: [string, string] = ["Contact", "<sip:alice@192.0.2.1:5060>"];
    on.registered(moved, scscf, [contact, ["Call-ID", "reg-2"]]);
    const [binding, ...others] = [...on.pcscf.table.all()];
    expect(others).toEqual([]);
    expect(binding?.flow.remote.port).toBe(5099);
  });

  test("Expires 0: de-registered at its 200, forgotten 64*T1 later", async () => {
    const { lab: on, ue, scscf } = await lab();
    const path = on.registered(ue, scscf);
    const token = /sip:([^@]*)@/.exec(path)?.[1] ?? "";
    ue.send(
      on.register(ue, [
        ["CSeq", "3 REGISTER"],
        ["Expires", "0"],
      ]),
      ACCESS,
    );
    on.run();
    scscf.reply(on.accepted(scscf.takeRequest("REGISTER"), 0));
    on.run();
    ue.takeResponse(200);
    expect(on.pcscf.table.size).toBe(0);
    expect(on.pcscf.table.find(token)).toBeDefined();
    on.run(32_000);
    expect(on.pcscf.table.find(token)).toBeUndefined();
  });

  test("Contact: * ends every device of the user, nobody else's", async () => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    ue.send(
      on.register(ue, [
        ["CSeq", "3 REGISTER"],
        ["Expires", "0"],
        ["Contact", "*"],
      ]),
      ACCESS,
    );
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(integrityOf(register)).toBe("no");
    scscf.reply(on.accepted(register, 0));
    on.run();
    expect(on.pcscf.table.size).toBe(0);
  });

  test("a binding nobody refreshes ends at its expiry", async () => {
    const { lab: on, ue, scscf } = await lab();
    on.registered(ue, scscf);
    on.run(600_000);
    expect(on.pcscf.table.size).toBe(0);
    expect(on.log.named("binding.gone")[0]?.["cause"]).toBe("expired");
  });

  test.each([
    [503, "7"],
    [503, undefined],
  ])("RFC 3261 §16.7 step 6: a core %i becomes 500 + Retry-After", async (status, retryAfter) => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue), ACCESS);
    on.run();
    const headers: [string, string][] =
      retryAfter === undefined ? [] : [["Retry-After", retryAfter]];
    scscf.reply(newResponse(scscf.takeRequest("REGISTER"), status, { toTag: "s", headers }));
    on.run();
    expect(ue.takeResponse(500).text("Retry-After")).toBe(retryAfter ?? "5");
  });

  test("nobody at the S-CSCF's address: 500 + Retry-After; RFC 4320 §4.2: silence stays silence", async () => {
    const on = await Lab.start();
    const ue = await on.peer(UE);
    ue.send(on.register(ue), ACCESS);
    on.run();
    expect(ue.takeResponse(500).text("Retry-After")).toBe("5");
    await on.peer(SCSCF);
    ue.send(on.register(ue, [["CSeq", "2 REGISTER"]]), ACCESS);
    on.run(33_000);
    expect(ue.inbox.map(({ startLine }) => startLine)).toEqual(["SIP/2.0 100 Trying"]);
  });
});

describe("security agreement", () => {
  const wanted: [string, string][] = [
    ["Security-Client", "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=3;port-s=4"],
    ["Require", "sec-agree"],
    ["Proxy-Require", "sec-agree"],
  ];

  test("reject: 420 that names it", async () => {
    const { lab: on, ue, scscf } = await lab();
    ue.send(on.register(ue, wanted), ACCESS);
    on.run();
    expect(ue.takeResponse(420).text("Unsupported")).toBe("sec-agree");
    expect(scscf.inbox).toEqual([]);
  });

  test("ignore: stripped, the registration goes on", async () => {
    const { lab: on, ue, scscf } = await lab("--access.securityAgreement=ignore");
    ue.send(on.register(ue, wanted), ACCESS);
    on.run();
    const register = scscf.takeRequest("REGISTER");
    expect(register.has("Security-Client")).toBe(false);
    expect(register.has("Proxy-Require")).toBe(false);
    expect(register.texts("Require")).toEqual(["path"]);
  });

  test("RFC 3261 §16.3: any other Proxy-Require is 420", async () => {
    const { lab: on, ue } = await lab("--access.securityAgreement=ignore");
    ue.send(on.register(ue, [["Proxy-Require", "teleport"]]), ACCESS);
    on.run();
    expect(ue.takeResponse(420).text("Unsupported")).toBe("teleport");
  });
});

test("the stored token is used as the core sends it", async () => {
  const { lab: on, ue, scscf } = await lab();
  const path = on.registered(ue, scscf);
  scscf.send(
    on.request(scscf, "MESSAGE", "sip:alice@192.0.2.1:5060", [
      ["Route", path],
      ["Call-ID", "m"],
    ]),
    { host: "10.1.0.1", port: 4060 },
  );
  on.run();
  const message = ue.takeRequest("MESSAGE");
  expect(message.all(Route)).toEqual([]);
  expect(message.uri).toBe("sip:alice@192.0.2.1:5060");
  expect(uriOf(path)).toContain("@10.1.0.1:4060");
});
