// Each mistake of a device has its cause named where a person looks: in the histories that `imslab why` prints.
import { OWN_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { deriveOpc, Milenage, xor } from "@ims-lab/common/ims/milenage";
import { newSqnWindow, sqnOf } from "@ims-lab/common/ims/sqn";
import { akaPassword, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import { describe, expect, test } from "vitest";
import { Isim } from "../../../ue/src/isim/isim.ts";
import { memorySqnStore } from "../../../ue/src/isim/sqn-store.ts";
import { ACCESS, CORE, DOMAIN, type Headers, impuOf, Lab, SCSCF } from "./lab.ts";
import { K, OP, OPC } from "./nodes.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const PROBING = { "authentication.probe": true, "subscription.deadlineSeconds": 32 };

/** What `imslab why` has to print of a name or an address. */
function why(lab: Lab, name: string): string {
  const { events } = lab.scscf.history.of(name);
  const all = [...events, ...lab.pcscf.history.of(name)];
  const sources = [...lab.scscf.history.ofSource(name), ...lab.pcscf.history.ofSource(name)];
  return [...all, ...sources]
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => text)
    .join("\n");
}

/** An AKA device that checks AUTN, with this card. */
async function withCard(lab: Lab, k: string, opc: Buffer, highest = 0, amf?: Buffer) {
  const ue = await ScriptedUe.start(lab, "sim");
  const isim = new Isim(bytes(k), opc, memorySqnStore(newSqnWindow(highest)));
  const secret = { scheme: "aka", impi: ue.impi, isim } as const;
  const respond = (challenged: SipResponse): string =>
    amf === undefined
      ? ue.answerTo(challenged, secret)
      : answerWithAmf(ue.impi, challenged, bytes(k), opc, amf);
  return {
    ue,
    /** It gives up when it has rejected two challenges. */
    attempt(): number {
      ue.callId = `${ue.callId}+`;
      let response = ue.ask();
      for (let turn = 0; turn < 2 && response.status === 401; turn++)
        response = ue.ask({ authorization: respond(response) });
      lab.pass(1);
      return response.status;
    },
  };
}

/** A device that computes XMAC with an AMF of its own. */
function answerWithAmf(
  impi: string,
  challenged: SipResponse,
  k: Buffer,
  opc: Buffer,
  amf: Buffer,
): string {
  const params = challenged.get(WwwAuthenticate)?.params;
  const nonce = params?.get("nonce") ?? "";
  const { rand, autn } = unpackNonce(nonce) ?? { rand: k, autn: k };
  const milenage = new Milenage(k, opc);
  const keys = milenage.keys(rand);
  const { macA } = milenage.macs(rand, xor(autn.subarray(0, 6), keys.ak), amf);
  const isTaken = macA.equals(autn.subarray(8));
  const uri = `sip:${DOMAIN}`;
  const said = { username: impi, realm: DOMAIN, uri, nonce, method: "REGISTER" };
  const fresh = { qop: "auth", nc: "00000001", cnonce: "c" } as const;
  const password = akaPassword("AKAv1-MD5", keys);
  const response = digestResponse({ ...said, ...fresh, algorithm: "MD5", password });
  return `Digest username="${impi}",realm="${DOMAIN}",nonce="${nonce}",uri="${uri}",response="${isTaken ? response : ""}",algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce="c"`;
}

/** Registers bob with an Authorization value that is changed on its way. */
async function bobWith(lab: Lab, change: (right: string) => string, headers: Headers = []) {
  const ue = await ScriptedUe.start(lab, "bob");
  const challenged = ue.ask();
  ue.ask({ authorization: change(ue.answerTo(challenged)), headers });
  return ue;
}

async function subscribed(lab: Lab): Promise<ScriptedUe> {
  return ScriptedUe.subscribed(lab, "bob");
}

type Row = readonly [
  mistake: string,
  act: (lab: Lab) => Promise<string | undefined>,
  cause: RegExp,
];
const SIM = impuOf("sim");

const FIFTEEN: readonly Row[] = [
  [
    "wrong K",
    async (lab) => {
      const { attempt } = await withCard(lab, "00".repeat(16), bytes(OPC));
      for (let turn = 0; turn < 10; turn++) expect(attempt()).toBe(403);
      return SIM;
    },
    /refused: 403: AUTN rejected, with every usual mix-up .* too: K differs/,
  ],
  [
    "OP as OPc",
    async (lab) => {
      const { attempt } = await withCard(lab, K, bytes(OP));
      expect(attempt()).toBe(403);
      return SIM;
    },
    /refused: 403: the device takes OP for OPc/,
  ],
  [
    "wrong AMF",
    async (lab) => {
      const { attempt } = await withCard(lab, K, bytes(OPC), 0, bytes("b9b9"));
      for (let turn = 0; turn < 4; turn++) expect(attempt()).toBe(403);
      return SIM;
    },
    /refused: 403: AMF: the device has b9b9, the subscriber 8000/,
  ],
  [
    "wrong realm",
    async (lab) => {
      await bobWith(lab, (right) => right.replace(/realm="[^"]*"/, 'realm="other.example"'));
      return impuOf("bob");
    },
    /refused: 400: realm other\.example, ims\.example was asked for/,
  ],
  [
    "wrong user: the IMPI without its domain",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({
        authorization: `Digest username="bob",realm="${DOMAIN}",nonce="",uri="sip:x",response=""`,
      });
      return impuOf("bob");
    },
    /refused: 403: nobody has the user name bob: a user name \(IMPI\) has a domain, bob@ims\.example is meant/,
  ],
  [
    "stale SQN: the device is ahead",
    async (lab) => {
      const { attempt } = await withCard(lab, K, bytes(OPC), sqnOf(5_000, 0));
      expect(attempt()).toBe(200);
      return SIM;
    },
    /AUTS: SQN set, .*: stale SQN: the network's is behind the device's/,
  ],
  [
    "algorithm not offered",
    async (lab) => {
      await bobWith(lab, (right) => right.replace(/algorithm=[^,]*/, "algorithm=SHA-256"));
      return impuOf("bob");
    },
    /refused: 400: algorithm SHA-256, MD5 was offered/,
  ],
  [
    "no SUBSCRIBE",
    async (lab) => {
      (await ScriptedUe.start(lab, "bob")).register();
      lab.pass(40);
      return "sip:robert@ims.example";
    },
    /de-registered: no SUBSCRIBE \(Event: reg or network-initiated-reregistration\) within 32 s/,
  ],
  [
    "wrong event package",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.register();
      const headers: Headers = [
        ["Contact", `<${ue.contactUri}>`],
        ["Event", "registration"],
      ];
      lab.exchange(ue.peer, ue.request("SUBSCRIBE", ue.impu, headers));
      return ue.impu;
    },
    /SUBSCRIBE refused: 489: Event: registration is not served here, served are /,
  ],
  [
    "ignores the NOTIFY",
    async (lab) => {
      await subscribed(lab);
      lab.askByScscf("bob");
      lab.pass(100);
      return impuOf("bob");
    },
    /NOTIFY answered: 200(\n.*)+de-registered: asked to authenticate again, ignored: NOTIFY acknowledged, no REGISTER/,
  ],
  [
    "answers it 481",
    async (lab) => {
      const ue = await subscribed(lab);
      ue.peer.answers = () => 481;
      lab.askByScscf("bob");
      lab.pass(100);
      return impuOf("bob");
    },
    /NOTIFY failed: NOTIFY answered 481/,
  ],
  [
    "wrong port: the P-CSCF's core side",
    async (lab) => {
      (await ScriptedUe.start(lab, "bob")).ask({ to: CORE });
      return impuOf("bob");
    },
    /refused before the S-CSCF saw it: REGISTER 403: it came to the core side: devices register at the access side, 10\.0\.0\.1:5060/,
  ],
  [
    "wrong domain in the Request-URI",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      lab.exchange(
        ue.peer,
        ue.peer.request("REGISTER", "sip:other.example", ue.impu, [["Contact", ue.contact]]),
      );
      return impuOf("bob");
    },
    /refused: 403: the Request-URI sip:other\.example is not the home domain, sip:ims\.example/,
  ],
  [
    "Require: sec-agree",
    async (lab) => {
      (await ScriptedUe.start(lab, "bob")).ask({ headers: [["Require", "sec-agree"]] });
      return impuOf("bob");
    },
    /REGISTER 420: Require: sec-agree is not supported: no IPsec here/,
  ],
  [
    "answer too late",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      const answer = ue.answerTo(ue.ask());
      lab.pass(250);
      expect(ue.ask({ authorization: answer }).status).toBe(401);
      return impuOf("bob");
    },
    /did not answer its 401: no answer to its 401 for 10 s(.*\n)+challenged once more \(401\): the nonce is 25\d s old/,
  ],
];

const NEIGHBOURS: readonly Row[] = [
  [
    "wrong port: straight to the S-CSCF",
    async (lab) => {
      (await ScriptedUe.start(lab, "bob")).ask({ to: SCSCF });
      return impuOf("bob");
    },
    /refused: 403: udp:192\.0\.2\.1:5060 is no trusted peer \(trustedPeers\): devices register at their P-CSCF/,
  ],
  [
    "wrong password",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.faults = { wrongRes: true };
      ue.register();
      return "bob@ims.example";
    },
    /refused: 403: the password differs/,
  ],
  [
    "H(A1) of another realm",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({ authorization: hashedWith(ue.ask(), { realm: "" }) });
      return ue.impu;
    },
    /refused: 403: realm: an empty one went into the response/,
  ],
  [
    "another uri in the response",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({ authorization: hashedWith(ue.ask(), { said: "sip:elsewhere" }) });
      return ue.impu;
    },
    /refused: 403: uri: sip:ims\.example went into the response/,
  ],
  [
    "nc of one digit",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({ authorization: hashedWith(ue.ask(), { nc: "1" }) });
      return ue.impu;
    },
    /refused: 403: nc: 1 went into the response|refused: 403: nc went into the response as a bare number/,
  ],
  [
    "qop that was not offered",
    async (lab) => {
      await bobWith(lab, (right) => right.replace(/qop="?auth"?/, "qop=auth-int"));
      return impuOf("bob");
    },
    /refused: 400: qop auth-int, auth was offered/,
  ],
  [
    "OPc as OP",
    async (lab) => {
      const { attempt } = await withCard(lab, K, deriveOpc(bytes(K), bytes(OPC)));
      for (let turn = 0; turn < 2; turn++) expect(attempt()).toBe(403);
      return SIM;
    },
    /refused: 403: the device takes OPc for OP/,
  ],
  [
    "somebody else's identity",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({ headers: [["To", `<${impuOf("carol")}>`]] });
      return impuOf("carol");
    },
    /refused: 403: bob@ims\.example may not register sip:carol@ims\.example, which belongs to carol@ims\.example/,
  ],
  [
    "the user name of another domain",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.ask({
        authorization:
          'Digest username="bob@home.example",realm="x",nonce="",uri="sip:x",response=""',
      });
      return "bob@home.example";
    },
    /nobody has the user name bob@home\.example: that of sip:bob@ims\.example is bob@ims\.example/,
  ],
  [
    "silence after the 401",
    async (lab) => {
      (await ScriptedUe.start(lab, "bob")).ask();
      lab.pass(11);
      return impuOf("bob");
    },
    /did not answer its 401: no answer to its 401 for 10 s: the device gave up, or the 401 did not reach it/,
  ],
  [
    "Accept without reginfo",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.register();
      const headers: Headers = [
        ["Contact", `<${ue.contactUri}>`],
        ["Event", OWN_PACKAGE],
        ["Accept", "text/plain"],
      ];
      lab.exchange(ue.peer, ue.request("SUBSCRIBE", ue.impu, headers));
      return ue.impu;
    },
    /SUBSCRIBE refused: 406: Accept: text\/plain leaves out application\/reginfo\+xml/,
  ],
  [
    "SUBSCRIBE without Event",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.register();
      const headers: Headers = [
        ["Contact", `<${ue.contactUri}>`],
        ["Accept", REGINFO_TYPE],
      ];
      lab.exchange(ue.peer, ue.request("SUBSCRIBE", ue.impu, headers));
      return ue.impu;
    },
    /SUBSCRIBE refused: 489: no Event header/,
  ],
  [
    "a nonce from before a restart",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      const answer = ue.answerTo(ue.ask());
      await lab.restart("S-CSCF");
      expect(ue.ask({ authorization: answer }).status).toBe(401);
      return ue.impu;
    },
    /challenged once more \(401\): the nonce is not one of ours/,
  ],
  [
    "not registered, and a request",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.message();
      return ue.impu;
    },
    /refused before the S-CSCF saw it: MESSAGE 403: nobody is registered over this address and port/,
  ],
  [
    "no SIP at all, by address",
    async (lab) => {
      const at = { host: "192.0.2.77", port: 5060 };
      await sendOctets(lab, at, "udp", Buffer.from("hello?\r\n\r\n"));
      return at.host;
    },
    /a message that cannot be read: no valid SIP: /,
  ],
  [
    "TLS at the TCP port, by address",
    async (lab) => {
      const at = { host: "192.0.2.77", port: 5060 };
      await sendOctets(lab, at, "tcp", bytes("1603010200010001fc0303"));
      return at.host;
    },
    /a message that cannot be read: a TLS handshake came to a port without TLS/,
  ],
  [
    "HTTP at the SIP port, by address",
    async (lab) => {
      const at = { host: "192.0.2.77", port: 5060 };
      await sendOctets(lab, at, "tcp", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      return at.host;
    },
    /a message that cannot be read: (\d+: )?HTTP came to a SIP port/,
  ],
  [
    "refused by the S-CSCF, by address",
    async (lab) => {
      const ue = await ScriptedUe.start(lab, "bob");
      ue.faults = { wrongRes: true };
      ue.register();
      return ue.peer.at.host;
    },
    /bob@ims\.example: 403: the password differs/,
  ],
];

async function sendOctets(
  lab: Lab,
  at: { host: string; port: number },
  name: "udp" | "tcp",
  octets: Buffer,
): Promise<void> {
  const transport = memoryTransport(lab.network, at, name);
  await transport.listen({
    onMessage: () => undefined,
    onClosed: () => undefined,
    onRejected: () => undefined,
  });
  transport.send(octets, transport.flowTo(ACCESS));
  lab.pass(1);
}

/** Bob's answer with something else in the hash than in the header. */
function hashedWith(
  challenged: SipResponse,
  wrong: { readonly realm?: string; readonly nc?: string; readonly said?: string },
): string {
  const nonce = challenged.get(WwwAuthenticate)?.params.get("nonce") ?? "";
  const uri = `sip:${DOMAIN}`;
  const base = { username: `bob@${DOMAIN}`, nonce, uri, cnonce: "c", qop: "auth" } as const;
  const response = digestResponse({
    ...base,
    realm: wrong.realm ?? DOMAIN,
    nc: wrong.nc ?? "00000001",
    method: "REGISTER",
    algorithm: "MD5",
    password: Buffer.from("pw"),
  });
  return `Digest username="${base.username}",realm="${DOMAIN}",nonce="${nonce}",uri="${wrong.said ?? uri}",response="${response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"`;
}

async function namesIt([, act, cause]: Row): Promise<void> {
  const lab = await Lab.start({ scscf: PROBING });
  const whom = await act(lab);
  expect(why(lab, whom ?? "")).toMatch(cause);
}

describe("fifteen mistakes of a device", () => {
  test.each(FIFTEEN.map((row) => [row[0], row] as const))("%s", (_what, row) => namesIt(row));
});

describe("and their neighbours", () => {
  test.each(NEIGHBOURS.map((row) => [row[0], row] as const))("%s", (_what, row) => namesIt(row));
});

test("a device that does everything right has nothing in it that went wrong", async () => {
  const { lab } = await Lab.withAlice({ scscf: PROBING });
  lab.askByScscf("alice");
  lab.pass(5);
  expect(why(lab, "tel:+15550001").split("\n")).toEqual([
    "challenged (401)",
    `registered: ${lab.atScscf("alice")[0]?.contact}`,
    `subscribed: Event: ${OWN_PACKAGE}`,
    "NOTIFY answered: 200",
    "re-authentication asked for: by an operator",
    "NOTIFY sent that asks for the re-authentication",
    "NOTIFY answered: 200",
    "challenged (401)",
    expect.stringMatching(/^registered again: sip:alice@/),
    expect.stringMatching(/^re-authentication over: authenticated again after \d+ ms$/),
    `subscribed: Event: ${OWN_PACKAGE}`,
    "NOTIFY answered: 200",
  ]);
});

test("every line of a refusal, a removal or an end names who, from where, and why in a sentence", async () => {
  const lab = await Lab.start({ scscf: PROBING });
  for (const [, act] of [...FIFTEEN, ...NEIGHBOURS].slice(1, 12)) await act(lab);
  const lines = [
    ...lab.logs.scscf.named("registration.refused"),
    ...lab.logs.scscf.named("subscription.refused"),
    ...lab.logs.scscf.named("registration.removed"),
    ...lab.logs.scscf.named("reauthentication.ended"),
    ...lab.logs.pcscf.named("access.refused"),
    ...lab.logs.pcscf.named("core.refused"),
  ];
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) {
    expect(line["impi"] ?? line["impu"]).toMatch(/^bob$|@ims\.example$/);
    expect(line["why"]).toMatch(/\w+ \w+/);
    if ("status" in line) expect(line["source"]).toMatch(/^192\.0\.2\.\d+:5060\/udp$/);
  }
});
