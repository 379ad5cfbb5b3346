// Messages to be damaged: RFC 4475's and well-formed traffic of this lab.
import { tortureBytes, tortureMessages } from "../../../common/test/torture/torture.ts";

const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";
const VICTIM = `softphone@${DOMAIN}`;

const EXTRA: Readonly<Record<string, readonly string[]>> = {
  REGISTER: [
    'Contact: <sip:x@127.0.0.1:5999>;expires=600;+sip.instance="<urn:uuid:0>"',
    `Authorization: Digest username="${VICTIM}",realm="${DOMAIN}",nonce="AAAA",uri="sip:${DOMAIN}",response="${"0".repeat(32)}",algorithm=MD5,qop=auth,nc=00000001,cnonce="b"`,
    "Path: <sip:token@127.0.0.1:4060;lr>",
    "Require: path",
  ],
  SUBSCRIBE: [
    "Event: network-initiated-reregistration",
    "Expires: 600",
    "Accept: application/reginfo+xml",
    "Contact: <sip:x@127.0.0.1:5999>",
    "Route: <sip:127.0.0.1:5060;lr>, <sip:token@127.0.0.1:6060;lr>",
  ],
  NOTIFY: [
    "Event: reg",
    "Subscription-State: active;expires=60",
    "Contact: <sip:x@127.0.0.1:5999>",
    "Content-Type: application/reginfo+xml",
  ],
  INVITE: ["Contact: <sip:x@127.0.0.1:5999>", "Content-Type: application/sdp"],
  MESSAGE: ["Content-Type: text/plain"],
  OPTIONS: ["Accept: application/sdp"],
  ACK: [],
  CANCEL: [],
  BYE: ["Route: <sip:127.0.0.1:4060;lr>"],
};

const REGINFO = `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1" state="full"><registration aor="sip:${VICTIM}" id="r" state="active"><contact id="c" state="active" event="shortened" expires="6"><uri>sip:x@127.0.0.1</uri></contact></registration></reginfo>`;

function request(method: string): Buffer {
  const body = method === "NOTIFY" ? REGINFO : method === "MESSAGE" ? "hello" : "";
  const lines = [
    `${method} sip:${method === "REGISTER" ? DOMAIN : VICTIM} SIP/2.0`,
    "Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKfuzz0001;rport",
    "Max-Forwards: 70",
    `From: "Fuzz" <sip:${VICTIM}>;tag=f1`,
    `To: <sip:${VICTIM}>${method === "BYE" || method === "NOTIFY" ? ";tag=t1" : ""}`,
    "Call-ID: fuzz-1@127.0.0.1",
    `CSeq: 1 ${method}`,
    ...(EXTRA[method] ?? []),
    `Content-Length: ${body.length}`,
    "",
    body,
  ];
  return Buffer.from(lines.join("\r\n"), "latin1");
}

function response(status: number, method: string): Buffer {
  const lines = [
    `SIP/2.0 ${status} Whatever`,
    "Via: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bK0123456789abcdef0123456789abcdef",
    `From: <sip:${VICTIM}>;tag=f1`,
    `To: <sip:${VICTIM}>;tag=t1`,
    "Call-ID: fuzz-1@127.0.0.1",
    `CSeq: 1 ${method}`,
    'WWW-Authenticate: Digest realm="x",nonce="AAAA",algorithm=AKAv1-MD5,ik="00",ck="00"',
    "Content-Length: 0",
    "",
    "",
  ];
  return Buffer.from(lines.join("\r\n"), "latin1");
}

export const SIP_CORPUS: readonly Buffer[] = [
  ...tortureMessages.map(tortureBytes),
  ...Object.keys(EXTRA).map(request),
  ...[100, 200, 401, 403, 423, 481, 503].flatMap((status) => [
    response(status, "REGISTER"),
    response(status, "NOTIFY"),
  ]),
];
