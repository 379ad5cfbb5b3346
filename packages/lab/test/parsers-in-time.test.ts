// Every parser of peers' text and octets, bodies included: 64 kB of whatever they write are read in milliseconds.

import { parseChargingVector } from "@ims-lab/common/ims/charging-vector";
import { credentialsOf } from "@ims-lab/common/ims/credentials";
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import { removeClaims, removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { parseIp } from "@ims-lab/common/platform/ip-address";
import { Peek } from "@ims-lab/common/sip/admission/peek";
import { shortRefusal } from "@ims-lab/common/sip/admission/short-refusal";
import { authParamFilter } from "@ims-lab/common/sip/auth/auth-params";
import { readAnswer, readChallenge } from "@ims-lab/common/sip/auth/challenge";
import { maskSessionKeys } from "@ims-lab/common/sip/auth/session-keys";
import { checkAsUas } from "@ims-lab/common/sip/endpoint/uas-checks";
import { eventOf, secondsParam } from "@ims-lab/common/sip/event/event-headers";
import { acceptsType } from "@ims-lab/common/sip/message/accept";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { readBody } from "@ims-lab/common/sip/message/bodies";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import * as fields from "@ims-lab/common/sip/message/fields";
import { Framer } from "@ims-lab/common/sip/message/framer";
import { type Field, HeaderLine } from "@ims-lab/common/sip/message/header-line";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { parseBracketed, parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { Params } from "@ims-lab/common/sip/message/params";
import { aorOf, parseHostPort, parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import { parseVia } from "@ims-lab/common/sip/message/via";
import { loopTail } from "@ims-lab/common/sip/proxy/loop";
import { isStun, stunAnswer } from "@ims-lab/common/sip/transport/stun";
import { certificateNames } from "@ims-lab/common/sip/transport/tls-identity";
import { UnfinishedMessage } from "@ims-lab/common/sip/transport/unfinished-message";
import { describe, expect, test } from "vitest";
import { extensionProblem, stripSecurityAgreement } from "../../pcscf/src/sides/option-tags.ts";
import { readContacts } from "../../scscf/src/register/contacts.ts";
import { parsePattern } from "../../scscf/src/subscribers/number-pattern.ts";
import { answerSdp, isHold, readSdp } from "../../ue/src/call/sdp.ts";
import { checkSession, sessionAnswer } from "../../ue/src/call/session-timer.ts";

/** The largest message that a node takes. */
const LENGTH = 65_000;
const MOST_MS = 20;
/** Collecting garbage or compiling makes one run slow, not each of them. */
const RUNS = 5;
const HOPELESS_MS = 10 * MOST_MS;

/** Milliseconds of this thread's own work in the quickest run; the first that is quick enough is. */
function quickest(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS && least > MOST_MS && (run === 0 || least < HOPELESS_MS); run++) {
    const began = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(began);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** How much slower this machine is just now than one that has nothing else to do: processors share their caches and more. */
function slowness(): number {
  const octets = Buffer.alloc(LENGTH, "a");
  const began = process.threadCpuUsage();
  for (let turn = 0; turn < 20; turn++) octets.toString("latin1").split("").join("");
  const { user, system } = process.threadCpuUsage(began);
  return Math.min(4, Math.max(1, (user + system) / 1000 / IDLE_MS));
}
const IDLE_MS = 20;

/** Each character that means something somewhere, and what a parser of the kind makes something of. */
const CHARACTERS = [..." \t\r\n\0\xa0\xff!\"%&'(),-./01:;<=>?@Az[\\]"];
const OF_SIP = [
  "\r\n",
  "\r\n ",
  "\r\n\t",
  "\n\r",
  ": ",
  "a:",
  "a:\r\n",
  "l:1\r\n",
  '\\"',
  "\\\\",
  '""',
  '"a",',
  "a,",
  ", ",
  "a=",
  "a=b,",
  'a="b",',
  ";a",
  ";a=b",
  ';a="b"',
  ";tag=a",
  ";q=0",
  "; ",
  "<>",
  "<a>",
  "<sip:a@b>,",
  "sip:a@b,",
  "a@",
  "%41",
  "%",
  "a.",
  "1.",
  "::",
  "a/b,",
  "*/*;q=0,",
  " a",
  "a ",
  "é",
  "Digest ",
  'realm="a",',
  "SIP/2.0/UDP a,",
  "\r\n--b",
  "--b\r\n",
  'ik="',
  "URI:a, ",
  'DNS:"a", ',
];
const OF_SDP = [
  "m=audio 1 RTP/AVP 0\r\n",
  "m=audio 1 RTP/AVP 0 ",
  "a=rtpmap:0 a/8000\r\n",
  "c=IN IP4 1.1.1.1\r\n",
  "a=sendrecv\r\n",
];
const OF_XML = [
  "<a",
  "<a ",
  "</a>",
  "<a/>",
  "<a b='c'/>",
  "<!--",
  "<!---->",
  "<![CDATA[",
  "<![CDATA[]]>",
  "]]>",
  "<?a?>",
  "<?",
  "<!DOCTYPE",
  "<!ENTITY a 'b'>",
  "&amp;",
  "&a;",
  "&",
  "&#65;",
  " a='b'",
  " a='b' a='b'",
  " xmlns:a='b'",
  "<contact>",
];

function tokensFor(parser: string): readonly string[] {
  const own = parser === "reginfo" ? OF_XML : parser === "SDP" ? OF_SDP : OF_SIP;
  return [...CHARACTERS, ...own];
}

/** The token alone, and behind and before what makes a parser go into it; `?` is where it repeats. */
function shapesOf(parser: string, frames: readonly string[]): readonly [string, string][] {
  return tokensFor(parser).flatMap((token) =>
    ["?", ...frames].map((frame): [string, string] => {
      const at = frame.lastIndexOf("?");
      const many = token.repeat(Math.max(1, Math.floor((LENGTH - frame.length) / token.length)));
      const name = `${parser}: ${frame} of ${JSON.stringify(token)}`;
      return [name, frame.slice(0, at) + many + frame.slice(at + 1)];
    }),
  );
}

const REQUEST_LINE = "REGISTER sip:ims.example SIP/2.0\r\n";
const HEADERS =
  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@ims.example>;tag=f\r\nTo: <sip:a@ims.example>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n";

function requestWith(name: string, value: string): SipRequest {
  return newRequest("REGISTER", "sip:ims.example", [
    ["Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa"],
    ["From", "<sip:a@ims.example>;tag=f"],
    ["To", "<sip:a@ims.example>"],
    ["Call-ID", "c"],
    ["CSeq", "1 REGISTER"],
    [name, value],
  ]);
}

function everythingOf(params: Params | undefined): void {
  if (params === undefined) return;
  for (const [name] of params.entries()) if (name === "") throw new Error("no name");
}

function everythingAbout(uri: ReturnType<typeof parseUri>): void {
  if (uri === undefined) return;
  aorOf(uri);
  if (uri.scheme !== "other") everythingOf(uri.params);
}

/** One of each kind: those of a kind share their parser. */
const FIELDS: readonly Field<unknown>[] = [
  fields.Via,
  fields.From,
  fields.Contact,
  fields.Route,
  fields.CallId,
  fields.CSeqField,
  fields.MaxForwards,
  fields.RetryAfter,
  fields.Accept,
  fields.Authorization,
];

/** What each reads of a text, and what makes it go far into one. */
const OF_TEXT: Readonly<Record<string, readonly [(text: string) => unknown, ...string[]]>> = {
  ...Object.fromEntries(
    FIELDS.map((field) => [
      `field ${field.name}`,
      [
        (text: string) => HeaderLine.of(field.name, text).isWellFormed(field),
        '"?" <sip:a@b>',
        "<sip:a@b>?",
        "a;x=?",
      ] as const,
    ]),
  ),
  "name-addr": [
    (text) => {
      const read = parseNameAddr(text);
      everythingOf(read?.params);
      everythingAbout(read?.uri);
      parseBracketed(text);
    },
    '"?',
    '"?"<sip:a@b>',
    "? <sip:a@b>",
    "<sip:?>",
    "<sip:?@b>",
    "<sip:a@b>?",
    'sip:a@b;x="?"',
    "sip:a@b?",
    '<sip:a@b>;x="?',
  ],
  URI: [
    (text) => everythingAbout(parseUri(text)),
    "sip:?",
    "sip:?@h",
    "sip:a:?@h",
    "sip:h;?",
    "sip:h;x=?",
    "sip:h?x=?",
    "tel:?",
    "tel:1;?",
    "x:?",
    "sips:[?]",
  ],
  "two URIs": [
    (text) => {
      const uri = parseUri(text);
      if (uri !== undefined) sameUri(uri, uri);
    },
    "sip:h?",
    "sip:?@h",
    "sip:h?x=?",
    "tel:?",
  ],
  "parameters by name": [
    (text) => {
      const params = Params.parse(text);
      params?.isDouble("a");
      params?.with("x", "y");
    },
    ';x="?"',
  ],
  params: [(text) => everythingOf(Params.parse(text)), ";?", ';x="?"', ";x=?", ";?=x", "?;"],
  Via: [
    parseVia,
    "SIP/2.0/UDP ?",
    "SIP/2.0/UDP h?",
    "SIP/2.0/UDP h:?",
    "SIP/2.0/UDP h;x=?",
    "SIP/?/UDP h",
    "SIP / 2.0 / UDP h?",
  ],
  "host and port": [parseHostPort, "h:?", "[?]", "[?"],
  "IP address": [parseIp, "1.?", "::?"],
  CSeq: [(text) => fields.CSeqField.parse(text), "1?", "1 ?", "?1 A"],
  credentials: [
    (text) => {
      const header = parseAuthHeader(text);
      if (header === undefined) return;
      readAnswer(header);
      readChallenge(header);
    },
    "Digest ?",
    'Digest a="?"',
    'Digest a="?',
    "Digest a=?",
    'Digest ?="a"',
    'Digest username="a"?',
    'Digest realm="a",nonce="b",qop="?"',
  ],
  "credentials without some": [
    authParamFilter(["ik", "ck"]),
    "Digest ?",
    'Digest ik="?"',
    'Digest ?,ik="a"',
  ],
  "P-Charging-Vector": [parseChargingVector, "icid-value=?", 'icid-value="?"', "icid-value=a;?"],
  seconds: [secondsParam, "1?"],
  "pattern of numbers": [
    (text) => {
      parsePattern(text);
      parsePattern("user{n}@h")?.match(text);
    },
    "user?",
    "user?@h",
    "{n}?",
  ],
  "names of a certificate": [
    (text) => certificateNames({ subjectaltname: text, subject: { CN: text } as never }),
    "URI:?",
    'URI:"?"',
    'DNS:"?',
  ],
};

/** Each as it is read within a message. */
const OF_A_HEADER: Readonly<Record<string, (request: SipRequest, text: string) => unknown>> = {
  Accept: (request) => acceptsType(request, "application/reginfo+xml"),
  Event: (request) => eventOf(request),
  Contact: (request) => readContacts(request, 4),
  Authorization: (request) => credentialsOf(request, "ims.example"),
  "Session-Expires": (request) => {
    checkSession(request);
    sessionAnswer(request, 1800);
  },
  Require: (request) => checkAsUas(request, { methods: ["REGISTER"], extensions: ["path"] }),
  "Security-Client": (request) => {
    extensionProblem(request, "reject");
    stripSecurityAgreement(request);
  },
  Supported: (request) => {
    stripSecurityAgreement(request);
    loopTail(request);
  },
  Route: (request) => {
    loopTail(request);
    request.drop("Route", 1);
  },
  Privacy: (request) => removeNetworkOnly(request),
  "P-Access-Network-Info": (request) => removeClaims(request),
};

const OF_OCTETS: Readonly<Record<string, readonly [(octets: Buffer) => unknown, ...string[]]>> = {
  decoder: [
    (octets) => {
      const { message } = decode(octets);
      if (message !== undefined) encode(message.clone().withOwnLength());
    },
    `${REQUEST_LINE}?`,
    `${REQUEST_LINE + HEADERS}Subject: ?\r\n\r\n`,
    `${REQUEST_LINE + HEADERS}?: x\r\n\r\n`,
    `${REQUEST_LINE + HEADERS}Content-Length: ?\r\n\r\n`,
    `${REQUEST_LINE + HEADERS}To: "?" <sip:a@b>\r\n\r\n`,
    `${REQUEST_LINE + HEADERS}\r\n?`,
    `OPTIONS ? SIP/2.0\r\n${HEADERS}\r\n`,
    `SIP/2.0 200 ?\r\n${HEADERS}\r\n`,
  ],
  framer: [
    (octets) => new Framer(65_535).push(octets),
    `${REQUEST_LINE}?`,
    `${REQUEST_LINE}l: ?\r\n\r\n`,
    `${REQUEST_LINE}?\r\n\r\n`,
    `${REQUEST_LINE}l: 9\r\n?\r\n\r\n`,
  ],
  "first look": [
    (octets) => {
      const peek = new Peek(octets);
      void [peek.method, peek.isUrgent, peek.isOngoing, peek.via, peek.transactionKey];
      shortRefusal(peek.head, { host: "192.0.2.1", port: 5060 }, { status: 503, tag: "t" });
    },
    `${REQUEST_LINE}?`,
    `${REQUEST_LINE}Via: SIP/2.0/UDP ?`,
    `${REQUEST_LINE}Via: SIP/2.0/UDP h;?`,
    `${REQUEST_LINE}Authorization: ?`,
    `${REQUEST_LINE}To: ?`,
    `OPTIONS sip:a SIP/2.0\r\nTo: ?`,
  ],
  reginfo: [
    (octets) => parseReginfo(octets, 16),
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">?',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"?>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="sip:a@b" id="a" state="active"><contact id="1" state="active" event="registered"><uri>?</uri></contact></registration></reginfo>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="?" id="a" state="active"/></reginfo>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><x>?</x></reginfo>',
  ],
  SDP: [
    (octets) => {
      const read = readSdp(octets);
      if (read === undefined) return;
      isHold(read);
      answerSdp({ at: { host: "192.0.2.1", port: 4000 }, session: 1, version: 1 }, read, false);
    },
    "v=0\r\n?",
    "v=0\r\nm=audio ?",
    "v=0\r\nm=audio 1?",
    "v=0\r\nm=audio 1?RTP/AVP 0\r\n",
    "v=0\r\nm=audio 1 RTP/AVP ?",
    "v=0\r\nm=audio 1 RTP/AVP 0\r\n?",
    "v=0\r\nc=?\r\nm=audio 1 RTP/AVP 0\r\n",
    "v=0\r\nm=audio 1 RTP/AVP 0\r\nm=?\r\n",
  ],
  "multipart body": [
    (octets) => {
      const request = requestWith("Content-Type", "multipart/mixed;boundary=b");
      request.body = octets;
      readBody(request, { types: ["application/sdp"] });
    },
    "--b\r\n?",
    "--b\r\n?\r\n\r\n\r\n--b--",
    "--b\r\nContent-Type: ?\r\n\r\nx\r\n--b--",
    "--b?",
  ],
  STUN: [
    (octets) => isStun(octets) && stunAnswer(octets, { host: "192.0.2.1", port: 5060 }),
    "\0\x01\xfd\xd4\x21\x12\xa4\x420123456789ab?",
  ],
  "WebSocket frames": [(octets) => new UnfinishedMessage().push(octets), "\x01?", "\x02\x7e?"],
  "keys in a trace": [
    maskSessionKeys,
    "ik=?",
    `${REQUEST_LINE}WWW-Authenticate: Digest ?`,
    'ck="?"',
  ],
};

function tooSlow(
  inputs: readonly (readonly [string, string])[],
  work: (text: string) => unknown,
): readonly string[] {
  return inputs.flatMap(([name, text]) => {
    const took = quickest(() => work(text));
    return took > MOST_MS && took > MOST_MS * slowness() ? [`${name}: ${took.toFixed(1)} ms`] : [];
  });
}

describe("64 kB of one character or token, alone or within what a parser knows: 20 ms at most", {
  timeout: 120_000,
}, () => {
  test.each(Object.entries(OF_TEXT))("%s", (name, [parse, ...frames]) => {
    expect(tooSlow(shapesOf(name, frames), parse)).toEqual([]);
  });

  test.each(Object.entries(OF_A_HEADER))("%s within a request", (name, read) => {
    const inputs = shapesOf(name, ['"?"', "a;x=?", 'a;x="?"', "<sip:a@b>?"]);
    expect(tooSlow(inputs, (text) => read(requestWith(name, text), text))).toEqual([]);
  });

  test.each(Object.entries(OF_OCTETS))("%s", (name, [parse, ...frames]) => {
    const parseText = (text: string): unknown => parse(Buffer.from(text, "latin1"));
    expect(tooSlow(shapesOf(name, frames), parseText)).toEqual([]);
  });
});

test("a stream that comes octet by octet costs each octet the same", () => {
  const heads = [
    "a".repeat(LENGTH),
    `${REQUEST_LINE}l: ${LENGTH}\r\n\r\n`.padEnd(LENGTH, "b"),
    `${REQUEST_LINE}${"a:\r\n".repeat(16_000)}`,
    "\r\n".repeat(LENGTH / 2),
  ];
  for (const head of heads) {
    const octets = [...head].map((octet) => Buffer.from(octet, "latin1"));
    const framed = (): void => {
      const framer = new Framer(65_535);
      for (const octet of octets) framer.push(octet);
    };
    // Calls, not reading: so many of them have a price of their own.
    expect(quickest(framed)).toBeLessThan(5 * MOST_MS);
  }
});
