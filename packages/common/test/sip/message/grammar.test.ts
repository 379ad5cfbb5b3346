// The grammar's corners, one table per rule: what is taken, and what is refused. RFC 3261 §7.3.1, §20, §25.1.
import { acceptsType } from "@ims-lab/common/sip/message/accept";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import {
  Contact,
  Expires,
  From,
  PAssertedIdentity,
  PPreferredIdentity,
  RetryAfter,
  To,
  Via,
} from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { parseBracketed, parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import { describe, expect, test } from "vitest";

const USUAL: readonly (readonly [string, string])[] = [
  ["Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa"],
  ["Max-Forwards", "70"],
  ["From", "<sip:a@ims.example>;tag=f"],
  ["To", "<sip:b@ims.example>"],
  ["Call-ID", "c@192.0.2.1"],
  ["CSeq", "1 OPTIONS"],
];
const START = "OPTIONS sip:b@ims.example SIP/2.0";

/** With these whole lines in the place of the usual ones of the same names, or at the end. */
function octets(lines: readonly string[] = [], start = START, end = "Content-Length: 0"): Buffer {
  const named = (name: string) => lines.some((line) => line.startsWith(`${name}:`));
  const kept = USUAL.filter(([name]) => !named(name)).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([start, ...kept, ...lines, end, "", ""].join("\r\n"), "latin1");
}

function taken(...lines: string[]): SipRequest {
  const { message, problem } = decode(octets(lines));
  if (message?.kind !== "request") throw new Error(`${lines.join(" | ")}: ${problem?.reason}`);
  return message;
}

function statusOf(bytes: Buffer): number | "taken" | "dropped" {
  const { problem } = decode(bytes);
  return problem === undefined ? "taken" : (problem.status ?? "dropped");
}

/** White space to JavaScript or to C, and none to SIP; control octets. */
const NO_BLANKS = ["\x00", "\x07", "\x0b", "\x0c", "\x1b", "\x1c", "\x7f", "\x85", "\xa0"];
const named = (octet: string) => `0x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`;
const EACH = NO_BLANKS.map((octet) => [named(octet), octet] as const);
const CONTROLS = EACH.filter(([, octet]) => octet < "\x20" || octet === "\x7f");

describe('header names (HCOLON = *( SP / HTAB ) ":" SWS)', () => {
  test.each(["", " ", "\t", " \t "])("%j before the colon", (blanks) => {
    const request = taken(`Subject${blanks}: s`, `X-Own${blanks}:x`);
    expect([request.text("Subject"), request.text("X-Own")]).toEqual(["s", "x"]);
  });

  test.each(["Content-Length", "l", "Subject", "X-Own", "Via", "Authorization"])(
    "%s with anything else before the colon: 400",
    (name) => {
      for (const octet of [...NO_BLANKS, "\r\n ", "\r", "\n", ";", "(", "@", "é"])
        for (const line of [`${name}${octet}: 0`, `x${octet}${name}: 0`, `${name} ${octet} : 0`])
          expect([line, statusOf(octets([line]))]).toEqual([line, 400]);
    },
  );

  test.each([
    ["no colon", "Subject"],
    ["no name", ": x"],
    ["blanks for a name", " : x"],
    ["a lone CR", "Subject: a\rb: c"],
    ["a lone LF", "Subject: a\nContent-Length: 3"],
    ["LF CR", "Subject: a\n\rContent-Length: 3"],
  ])("%s: 400", (_what, line) => {
    expect(statusOf(octets([line]))).toBe(400);
  });

  test("a fold with nothing before it: 400", () => {
    expect(statusOf(octets([], `${START}\r\n Subject: x`))).toBe(400);
    expect(statusOf(octets([], `${START}\r\n\tSubject: x`))).toBe(400);
  });

  test("a response with such a line is dropped", () => {
    expect(statusOf(octets(["Content-Length\x0b: 0"], "SIP/2.0 200 OK"))).toBe("dropped");
  });
});

describe("start lines", () => {
  test.each([
    ["two blanks", "OPTIONS  sip:b@ims.example SIP/2.0", 400],
    ["HTAB", "OPTIONS\tsip:b@ims.example SIP/2.0", 400],
    ["VT behind the method", "OPTIONS\x0b sip:b@ims.example SIP/2.0", 400],
    ["NBSP behind the method", "OPTIONS\xa0sip:b@ims.example SIP/2.0", 400],
    ["VT before the version", "OPTIONS sip:b@ims.example\x0bSIP/2.0", 400],
    ["a blank behind the version", "OPTIONS sip:b@ims.example SIP/2.0 ", 400],
    ["VT behind the version", "OPTIONS sip:b@ims.example SIP/2.0\x0b", 400],
    ["a blank before the method", " OPTIONS sip:b@ims.example SIP/2.0", 400],
    ["another version", "OPTIONS sip:b@ims.example SIP/2.1", 505],
    ["version 02.0", "OPTIONS sip:b@ims.example SIP/02.0", 505],
    ["no version", "OPTIONS sip:b@ims.example", 400],
    ["HTTP", "OPTIONS sip:b@ims.example HTTP/1.1", 400],
    ["the version in lower case", "OPTIONS sip:b@ims.example sip/2.0", "taken"],
    ["the method in lower case is another one", "options sip:b@ims.example SIP/2.0", 400],
  ])("%s", (_what, start, status) => {
    expect(statusOf(octets([], start))).toBe(status);
  });

  test.each(EACH)("%s in a Request-URI: 400", (_name, octet) => {
    for (const uri of [
      `sip:b${octet}@ims.example`,
      `sip:b@ims${octet}.example`,
      `sip:b@ims.example;p=${octet}1`,
      `sip:b@ims.example;p${octet}=1`,
      `sip:b@ims.example${octet}`,
      `tel:+1555${octet}`,
      `tel:+1555;p=${octet}`,
      `urn:x${octet}y`,
    ])
      expect([uri, statusOf(octets([], `OPTIONS ${uri} SIP/2.0`))]).toEqual([uri, 400]);
  });

  test.each([
    ["SIP/2.0 486", 486, ""],
    ["SIP/2.0 486 ", 486, ""],
    ["sip/2.0 486 Busy", 486, "Busy"],
    ["SIP/2.0 200 Sch\xf6n \t gemacht", 200, "Sch\xf6n \t gemacht"],
    ["SIP/2.0 200 O\x1b[2JK", 200, "OK"],
    ["SIP/2.0 180 \x07", 180, "Ringing"],
    ["SIP/2.0 499 \x00", 499, ""],
  ])("%j is taken; what is no text is replaced", (start, status, reason) => {
    const { message } = decode(octets([], start));
    expect(message).toMatchObject({ kind: "response", status });
    if (reason !== "") expect((message as SipResponse).reason).toBe(reason);
    expect(message && encode(message).toString("latin1")).not.toMatch(/[^\t\r\n -~\x80-\xff]/);
  });

  test.each([
    "SIP/2.0",
    "SIP/2.0 ",
    "SIP/2.0 48",
    "SIP/2.0 0486 x",
    "SIP/2.0 4860",
    "SIP/2.0\t486 x",
    "SIP/2.0  486 x",
    "SIP/2.0 700 x",
    "SIP/2.0 099 x",
    "SIP/2.0 486\x0bx",
  ])("%j is no status line", (start) => expect(statusOf(octets([], start))).toBe("dropped"));
});

describe("control octets in header values", () => {
  const LINES = [
    "Subject: a?b",
    "X-Own: ?",
    "Call-ID: c?d",
    "From: <sip:a?b@ims.example>;tag=1",
    'To: "B?" <sip:b@ims.example>',
    "Contact: <sip:a@192.0.2.1;p=?>",
    "Contact: <sip:a@192.0.2.1>;p=?x",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK?",
    "CSeq: 1 ?OPTIONS",
  ];
  test.each(CONTROLS)("%s: 400, in a response dropped", (_name, octet) => {
    for (const line of LINES.map((each) => each.replace("?", octet))) {
      expect([line, statusOf(octets([line]))]).toEqual([line, 400]);
      expect(statusOf(octets([line], "SIP/2.0 200 OK"))).toBe("dropped");
    }
  });

  test("wherever it stands in a long line", () => {
    for (let length = 0; length < 40; length++) {
      const line = `Subject: ${"s".repeat(length)}\x1b${"s".repeat(39 - length)}`;
      expect(statusOf(octets([line]))).toBe(400);
      expect(statusOf(octets([line.replace("\x1b", "\xe9")]))).toBe("taken");
    }
  });

  test("a quoted-pair may be one (RFC 4475 §3.1.1.2), but no CR or LF", () => {
    expect(taken('From: "a\\\x07b" <sip:a@ims.example>;tag=1').from.displayName).toBe("a\x07b");
    expect(statusOf(octets(['From: "a\\\\\x07b" <sip:a@ims.example>;tag=1']))).toBe(400);
    expect(statusOf(octets(["Subject: a\\\x07"]))).toBe(400);
    expect(statusOf(octets(['From: "a\\\rb" <sip:a@ims.example>;tag=1']))).toBe(400);
  });

  test("folds and HTAB are none", () => {
    expect(taken("Subject: a\r\n\tb\t c").text("Subject")).toBe("a b\t c");
  });
});

describe("Content-Length", () => {
  test.each([
    ["Content-Length: 4", 4],
    ["l:4", 4],
    ["L \t: \t4 \t", 4],
    ["cOnTeNt-lEnGtH:0004", 4],
    ["Content-Length:\r\n 4", 4],
    ["Content-Length: 4\r\nl: 04", 4],
    ["Content-Length: 0", 0],
  ])("%j is %d", (lines, length) => {
    const { message } = decode(Buffer.concat([octets([], START, lines), Buffer.from("body")]));
    expect(message?.body.length).toBe(length);
  });

  test.each([
    "",
    "+4",
    "-4",
    "4 4",
    "4,4",
    "0x4",
    "4.0",
    "4;x",
    "\xa04",
    "4\xa0",
    "4\x0b",
    "\x0c4",
    "4\r\n 4",
    "IV",
    "٤",
    "4\r\nl: 3",
    "5",
    "99999999999999999999999",
  ])("%j: 400", (value) => {
    const bytes = Buffer.concat([
      octets([], START, `Content-Length: ${value}`),
      Buffer.from("body"),
    ]);
    expect(statusOf(bytes)).toBe(400);
  });
});

describe("name-addr and addr-spec (RFC 3261 §20.10)", () => {
  const URI = "sip:u@192.0.2.1:5070";
  const PARAMS =
    ';+g.3gpp.accesstype="cellular";+sip.instance="<urn:gsma:imei:35548888-144050-0>";x="a,b>c\\"<d"';

  test.each([
    ["addr-spec", URI],
    ["addr-spec, blanks", `${URI} \t`],
    ["brackets", `<${URI}>`],
    ["a word", `Uwe <${URI}>`],
    ["words", `Uwe\tU. <${URI}>`],
    ["quoted", `"Uwe" <${URI}>`],
    ["quoted brackets, commas, pairs", `"U <sip:x@y>, \\"we\\" ;tag=z" <${URI}>`],
    ["an empty name", `""<${URI}>`],
  ])("%s, with quoted brackets in its parameters", (_what, address) => {
    for (const field of [Contact, From, To, PAssertedIdentity, PPreferredIdentity]) {
      const read = field.parse(address + PARAMS);
      if (read === undefined || read === "*") throw new Error(`${field.name}: ${address}`);
      expect(read.uriText).toBe(URI);
      expect(read.params.get("+sip.instance")).toBe("<urn:gsma:imei:35548888-144050-0>");
      expect(read.params.get("x")).toBe('a,b>c"<d');
      expect(field.parse(address)).toMatchObject({ uriText: URI });
    }
  });

  test("a list of them is cut at the commas between them only", () => {
    const list = [
      `${URI}${PARAMS}`,
      `"a,b" <${URI};p=1>`,
      `<sip:v,w@192.0.2.2>;y="<,>"`,
      "sip:z@h",
    ];
    const request = taken(`Contact: ${list.join(", ")}`);
    expect(request.texts("Contact")).toEqual(list);
    expect(request.all(Contact).map((each) => each !== "*" && each.uriText)).toEqual([
      URI,
      `${URI};p=1`,
      "sip:v,w@192.0.2.2",
      "sip:z@h",
    ]);
  });

  test.each([
    `${URI};x="<`,
    `${URI} x`,
    `${URI}>`,
    `<${URI}`,
    `<${URI}> x`,
    `<<${URI}>>`,
    `"Uwe ${URI}`,
    `"Uwe" ${URI}`,
    `U(we <${URI}>`,
    `U;we <${URI}>`,
    `<${URI}>;`,
    `<${URI}>;tag=`,
    `<${URI}>;=x`,
    `<${URI}>;x=<y>`,
    `< ${URI}>`,
    `<${URI} >`,
    `${URI}\xa0;x`,
    `\xa0${URI}`,
    `<${URI}>\xa0;tag=x`,
    `<${URI}>;\xa0tag=x`,
    `<${URI}>;tag=\xa0x`,
    `<${URI}>;tag=x\x0b`,
    "sip:u@h?Subject=x",
    "sip:u,v@h",
    "",
    "<>",
  ])("%j is neither", (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
    expect(statusOf(octets([`From: ${text}`]))).toBe(400);
  });

  test("Record-Route: in brackets only", () => {
    expect(parseBracketed(`<${URI};lr>;x="<y>"`)?.params.get("x")).toBe("<y>");
    expect(parseBracketed(`"p" <${URI};lr>`)?.uriText).toBe(`${URI};lr`);
    for (const text of [`${URI};lr`, `${URI};x="<y>"`]) {
      expect(parseBracketed(text)).toBeUndefined();
      expect(statusOf(octets([`Record-Route: ${text}`]))).toBe(400);
    }
  });
});

describe("CSeq, Via, numbers", () => {
  test.each([
    "1 OPTIONS",
    "1\tOPTIONS",
    "1 \t OPTIONS",
    "0001 OPTIONS",
    "1\r\n OPTIONS",
    " 1 OPTIONS ",
  ])("CSeq: %j", (text) =>
    expect(taken(`CSeq: ${text}`).cseq).toEqual({ number: 1, method: "OPTIONS" }),
  );

  test.each([
    "1OPTIONS",
    "1\xa0OPTIONS",
    "1\x0bOPTIONS",
    "1 \xa0OPTIONS",
    "1 OPTIONS x",
    "+1 OPTIONS",
    "-1 OPTIONS",
    "1.0 OPTIONS",
    "0x1 OPTIONS",
    "1, OPTIONS",
    "2147483648 OPTIONS",
    "OPTIONS",
    "1",
    "1 options",
    "1 INVITE",
    "",
  ])("CSeq: %j: 400", (text) => expect(statusOf(octets([`CSeq: ${text}`]))).toBe(400));

  test.each([
    ["SIP/2.0/UDP h;branch=z9hG4bKa", "h", undefined],
    ["SIP / 2.0 / UDP h ; branch = z9hG4bKa", "h", undefined],
    ["SIP\t/\t2.0\t/\tUDP\th\t:\t5070\t;\tbranch\t=\tz9hG4bKa", "h", 5070],
    ["sip/2.0/udp [2001:DB8::1]:5070;branch=z9hG4bKa;rport", "2001:db8::1", 5070],
    ["SIP/2.0/UDP-LITE h;branch=z9hG4bKa", "h", undefined],
    ['SIP/2.0/UDP h;x="a;b,c";branch=z9hG4bKa', "h", undefined],
  ])("Via: %j", (text, host, port) => {
    expect(taken(`Via: ${text}`).get(Via)).toMatchObject({ host, port, branch: "z9hG4bKa" });
  });

  test.each([
    "SIP/2.0/UDP\xa0h;branch=z9hG4bKa",
    "SIP/2.0/UDP h\xa0;branch=z9hG4bKa",
    "SIP/2.0/UDP h;\x0cbranch=z9hG4bKa",
    "SIP/2.0/UDP h : \xa05060",
    "SIP/2.0/UDPh",
    "SIP/2.0/ h",
    "SIP/2.0/UDP h:65536",
    "SIP/2.0/UDP [::1;branch=z9hG4bKa",
    "SIP/3.0/UDP h",
    "SIP/2.0/UDP h;branch=z9hG4bK",
    "SIP/2.0/UDP h;;branch=z9hG4bKa",
    "SIP/2.0/UDP h;branch=",
  ])("Via: %j: 400", (text) => expect(statusOf(octets([`Via: ${text}`]))).toBe(400));

  test.each([
    ["3600", 3600],
    [" 3600\t", 3600],
    ["0", 0],
    ["4294967295", 4294967295],
    ["4294967296", undefined],
    ["36 00", undefined],
    ["\xa03600", undefined],
    ["1h", undefined],
    ["-1", undefined],
    ["", undefined],
  ])("Expires: %j is %j", (text, seconds) => {
    expect(taken(`Expires: ${text}`).get(Expires)).toBe(seconds);
  });

  test.each([
    ["18000;duration=3600", 18000],
    ["120 (I'm in a meeting)", 120],
    ["120(;)", 120],
    ["120 ;duration=1", 120],
    ["120", 120],
    ["120x", undefined],
    ["120 130", undefined],
    ["(120)", undefined],
  ])("Retry-After: %j is %j", (text, seconds) => {
    expect(taken(`Retry-After: ${text}`).get(RetryAfter)).toBe(seconds);
  });

  test.each(["70", "0", "255", " 70 "])("Max-Forwards: %j", (text) => {
    expect(statusOf(octets([`Max-Forwards: ${text}`]))).toBe("taken");
  });
  test.each(["256", "-1", "7 0", "0x46", "70\xa0", ""])("Max-Forwards: %j: 400", (text) => {
    expect(statusOf(octets([`Max-Forwards: ${text}`]))).toBe(400);
  });
});

describe("qvalue", () => {
  test.each(["0", "1", "0.5", "0.", "1.", "0.123", "1.000"])("Contact q=%s stays", (q) => {
    const contact = taken(`Contact: <sip:a@192.0.2.1>;q=${q};x=y`).get(Contact);
    expect(contact !== "*" && contact?.params.toString()).toBe(`;q=${q};x=y`);
  });

  test.each(["1.5", "2", "-0.1", "0.1234", "1.001", ".5", "x", '"1.5"', "1e0"])(
    "Contact q=%s says nothing, and is not said again",
    (q) => {
      for (const form of ["<sip:a@192.0.2.1>", "sip:a@192.0.2.1"]) {
        const contact = taken(`Contact: ${form};q=${q};x=y`).get(Contact);
        expect(contact !== "*" && contact?.params.toString()).toBe(";x=y");
        expect(contact !== "*" && contact?.uriText).toBe("sip:a@192.0.2.1");
      }
    },
  );

  const TYPE = "application/reginfo+xml";
  test.each([
    [undefined, true],
    ["application/reginfo+xml", true],
    ["Application / Reginfo+XML", true],
    ["application/reginfo+xml;q=0", false],
    ["application/reginfo+xml ; q = 0.000", false],
    ["application/reginfo+xml;q=0.001", true],
    ["application/reginfo+xml;q=7", true],
    ["*/*", true],
    ["*/*;q=0", false],
    ["application/*", true],
    ["application/*;q=0", false],
    ["application/*;q=0, */*", false],
    ["*/*;q=0, application/reginfo+xml", true],
    ["application/reginfo+xml;q=0, */*", false],
    ["application/reginfo+xml;q=0, application/reginfo+xml;charset=utf-8", true],
    ["text/*", false],
    ["text/plain, application/sdp", false],
    ["", false],
  ])("Accept: %j: %j", (accept, isTaken) => {
    const lines = accept === undefined ? [] : [`Accept: ${accept}`];
    expect(acceptsType(taken(...lines), TYPE)).toBe(isTaken);
  });
});

test("URIs: printable ASCII only, wherever they come from", () => {
  for (const [, octet] of EACH)
    for (const uri of [
      `sip:a@h;p=${octet}`,
      `sip:a@h?x=${octet}`,
      `tel:+1;p=${octet}`,
      `x:${octet}`,
    ])
      expect(parseUri(uri)).toBeUndefined();
});

test.each([
  "From: <sip:a@ims.example>;tag=a;tag=b",
  "From: sip:a@ims.example;tag=a;x=y;TAG = a",
  "To: <sip:b@ims.example>;tag=a;tag",
  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;rport;branch=z9hG4bKb",
  "Via: SIP/2.0/UDP 192.0.2.1;Branch=z9hG4bKa;branch=z9hG4bKb",
  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;BRANCH",
])("%s: 400, as a parameter may not stand twice (RFC 3261 §7.3.1)", (line) => {
  expect(statusOf(octets([line]))).toBe(400);
});

test("what only looks like a second one is none", () => {
  const request = taken('From: "x;tag=y" <sip:a;tag=z@ims.example;tag=u>;x=";tag=v";tags=w;tag=f');
  expect(request.from.params.get("tag")).toBe("f");
});
