// RFC 3261 §7: reading and editing messages without touching what is not edited.
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Contact, PAssociatedUri, Route, Via } from "@ims-lab/common/sip/message/fields";
import { newRequest, newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const REQUEST_LINE = "REGISTER sip:ims.example SIP/2.0";
const HEAD = [
  REQUEST_LINE,
  "Via: SIP/2.0/UDP 192.0.2.10:5064;branch=z9hG4bKa1;rport",
  "v: SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bKa2, SIP/2.0/UDP b.example;branch=z9hG4bKa3",
  "Max-Forwards: 70",
  "f: <sip:alice@ims.example>;tag=8f3a",
  'To: "Alice, A." <sip:alice@ims.example>',
  "i: 5f1d2c3b@192.0.2.10",
  "CSeq: 2 REGISTER",
  "m: <sip:alice@192.0.2.10:5064>;expires=60, <sip:alice@192.0.2.11>",
  "X-Odd:   kept \t as it is  ",
  "Subject: folded",
  "   on two lines",
  "Content-Length: 4",
];

function received(lines: readonly string[] = HEAD, body = "body"): SipRequest {
  const { message, problem } = decode(
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1"),
  );
  if (message?.kind !== "request") throw new Error(problem?.reason);
  return message;
}

describe("reading", () => {
  it("understands compact forms, several values in a line and several lines", () => {
    const request = received();
    expect(request.all(Via).map((via) => via.branch)).toEqual([
      "z9hG4bKa1",
      "z9hG4bKa2",
      "z9hG4bKa3",
    ]);
    expect(request.all(Via)[1]?.host).toBe("2001:db8::9");
    expect(request.all(Contact)).toHaveLength(2);
    expect(request.callId).toBe("5f1d2c3b@192.0.2.10");
    expect(request.to.displayName).toBe("Alice, A.");
  });

  it("unfolds a value and leaves the line as it was", () => {
    const request = received();
    expect(request.text("Subject")).toBe("folded on two lines");
    expect(encode(request).toString("latin1")).toContain("Subject: folded\r\n   on two lines\r\n");
  });

  it.each([
    ["a port above 65535", 8, "Contact: <sip:alice@192.0.2.10:65536>"],
    ["a bare LF in a value", 9, "X-Odd: a\nVia: SIP/2.0/UDP evil"],
    ["a bare CR in a value", 9, "X-Odd: a\rb"],
    ["no colon", 9, "X-Odd"],
    ["a parameter without its value", 4, "From: <sip:a@b>;tag="],
    ["CSeq of 2^31", 7, "CSeq: 2147483648 REGISTER"],
    ["a second Call-ID", 9, "Call-ID: other"],
    ["Max-Forwards above 255", 3, "Max-Forwards: 256"],
    ["a space in a URI", 5, "To: <sip:a b@ims.example>"],
    ["an unfinished escape", 5, "To: <sip:a%4@ims.example>"],
  ])("refuses %s with 400", (_, at, line) => {
    const lines = HEAD.with(at, line);
    const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\nbody`, "latin1");
    expect(decode(bytes).problem?.status).toBe(400);
  });
});

describe("RFC 3261 §7.3.1: a header's name", () => {
  const lengthIn = (line: string): readonly string[] =>
    received([...HEAD.slice(0, -1), line]).texts("Content-Length");

  it.each(["Content-Length: 4", "CONTENT-LENGTH:4", "content-length : 4", "L: 4"])(
    "is the same in any case and its compact form: %s",
    (line) => {
      expect(lengthIn(line)).toEqual(["4"]);
    },
  );

  it.each([
    "Content-Lengths: 4",
    "Content-Lengt: 4",
    "Content.Length: 4",
    "Content-LengtH~: 4",
    "Content_Length: 4",
    "Conten\u0014-Length: 4",
  ])("is another where one octet is: %j", (line) => {
    expect(
      decode(Buffer.from(`${[...HEAD.slice(0, -1), line].join("\r\n")}\r\n\r\n`, "latin1")),
    ).toSatisfy(
      ({ message }: ReturnType<typeof decode>) => message?.has("Content-Length") !== true,
    );
  });

  it.each(["To", "CSeq", "P-Ch", "Content-", "P-Charging-Function-Addresses"])(
    "is looked for no further than the longest datagram goes: %s",
    (name) => {
      for (let length = 65_536 - name.length - 4; length <= 65_536; length++) {
        const line = `X: ${"x".repeat(length - name.length - 3 - 2 - REQUEST_LINE.length - 2)}`;
        const bytes = Buffer.from(`${REQUEST_LINE}\r\n${line}\r\n${name}`);
        expect(bytes.length).toBe(length);
        expect(decode(bytes).problem?.status).toBe(400);
      }
    },
  );
});

describe("a request line", () => {
  const lineOf = (request: SipRequest): string =>
    encode(request).toString("latin1").split("\r\n", 1)[0] ?? "";

  it("goes on as it came, until another URI is set", () => {
    const request = received();
    const onward = request.clone();
    expect(lineOf(onward)).toBe(REQUEST_LINE);
    onward.setUri("sip:scscf.ims.example;lr");
    expect(lineOf(onward)).toBe("REGISTER sip:scscf.ims.example;lr SIP/2.0");
    expect(lineOf(onward.clone())).toBe("REGISTER sip:scscf.ims.example;lr SIP/2.0");
    expect(lineOf(request)).toBe(REQUEST_LINE);
  });

  it("of another spelling goes on in ours, and no answer takes it over", () => {
    const request = received(["REGISTER sip:ims.example sip/2.0", ...HEAD.slice(1)]);
    expect(lineOf(request)).toBe(REQUEST_LINE);
    expect(encode(newResponse(request, 200)).toString("latin1")).toMatch(/^SIP\/2\.0 200 OK\r\n/);
  });

  it.each(["REGISTERED", "REG", "REGISTEr", "RE"])(
    "may have the method %s, which is no other",
    (method) => {
      const lines = HEAD.map((line) => line.replace("REGISTER", method));
      const request = received(lines);
      expect(request.method).toBe(method);
      expect(request.cseq.method).toBe(method);
      expect(lineOf(request)).toBe(lines[0]);
    },
  );
});

describe("editing", () => {
  it("changes only the lines it names, on a clone only", () => {
    const original = received();
    const before = encode(original).toString("latin1");
    const copy = original
      .clone()
      .push("Via", "SIP/2.0/UDP p;branch=z9hG4bKnew")
      .set("Max-Forwards", "69");
    expect(encode(original).toString("latin1")).toBe(before);
    const expected = [
      ...HEAD.slice(0, 1),
      "Via: SIP/2.0/UDP p;branch=z9hG4bKnew",
      ...HEAD.slice(1, 3),
      "Max-Forwards: 69",
      ...HEAD.slice(4),
    ];
    expect(encode(copy).toString("latin1")).toBe(`${expected.join("\r\n")}\r\n\r\nbody`);
  });

  it("pops one value of a line that holds several", () => {
    const request = received().clone();
    expect(request.pop("Via")).toContain("z9hG4bKa1");
    expect(request.pop("Via")).toContain("z9hG4bKa2");
    expect(request.all(Via).map((via) => via.branch)).toEqual(["z9hG4bKa3"]);
    request.pop("Via");
    expect(request.pop("Via")).toBeUndefined();
  });

  it("puts pushed values above and appended values below the others", () => {
    const request = newRequest("MESSAGE", "sip:b@c", [["Route", "<sip:2>"]]);
    request.push("Route", "<sip:1>").append("Route", "<sip:3>");
    expect(request.all(Route).map((route) => route.uriText)).toEqual(["sip:1", "sip:2", "sip:3"]);
    expect(request.set("Route", ["<sip:x>", "<sip:y>"]).texts("Route")).toEqual([
      "<sip:x>",
      "<sip:y>",
    ]);
    expect(request.remove("Route").has("Route")).toBe(false);
  });
});

describe("RFC 3261 §8.2.6.2: a response", () => {
  it("has the request's Via, From, To, Call-ID and CSeq, and a tag where there was none", () => {
    const response = newResponse(received(), 401, {
      toTag: "t1",
      headers: [["WWW-Authenticate", "Digest a=b"]],
    });
    expect(response.reason).toBe("Unauthorized");
    expect(response.to.params.get("tag")).toBe("t1");
    expect(response.texts("Via")).toHaveLength(3);
    expect(response.has("Max-Forwards")).toBe(false);
    const { message } = decode(encode(response));
    expect(message?.cseq).toEqual({ number: 2, method: "REGISTER" });
  });

  it("keeps a To tag that is there", () => {
    const request = received(HEAD.with(5, "To: <sip:alice@ims.example>;tag=old"));
    expect(newResponse(request, 200, { toTag: "new" }).to.params.get("tag")).toBe("old");
  });
});

describe("properties", () => {
  const printable = fc.string({
    unit: fc
      .integer({ min: 33, max: 255 })
      .filter((c) => c !== 127)
      .map((c) => String.fromCharCode(c)),
    maxLength: 40,
  });

  it("encode∘decode is the identity for any header values and body", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z][\w-]{0,12}$/), printable), { maxLength: 8 }),
        fc.uint8Array({ maxLength: 200 }),
        (extra, octets) => {
          const lines = extra.map(([name, value]) => `X-${name}: ${value}`);
          const head = [...HEAD.slice(0, -1), ...lines, `Content-Length: ${octets.length}`].join(
            "\r\n",
          );
          const bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), octets]);
          const { message } = decode(bytes);
          expect(message && encode(message).equals(bytes)).toBe(true);
        },
      ),
    );
  });

  it("never throws, whatever the octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
        const result = decode(Buffer.from(octets));
        expect(result.message === undefined).toBe(result.problem !== undefined);
      }),
    );
  });

  it("survives any single octet of a good message being replaced", () => {
    const bytes = Buffer.from(`${HEAD.join("\r\n")}\r\n\r\nbody`, "latin1");
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, octet) => {
        const bent = Buffer.from(bytes);
        bent[at] = octet;
        const { message } = decode(bent);
        if (message === undefined) return;
        message.all(Via);
        message.all(PAssociatedUri);
        for (const contact of message.all(Contact))
          if (contact !== "*") expect(contact.uri).toBeDefined();
        expect(message.from.uri).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it("takes time linear in the length of hostile values", () => {
    const spaces = " ".repeat(60_000);
    for (const value of [
      `<sip:a@b>;x${spaces}y`,
      `"${spaces}`,
      `sip:${"%41".repeat(20_000)}`,
      `<sip:a@b>${";a".repeat(30_000)}=`,
    ]) {
      const lines = HEAD.with(5, `To: ${value}`);
      expect(
        decode(Buffer.from(`${lines.join("\r\n")}\r\n\r\nbody`, "latin1")).problem,
      ).toBeDefined();
    }
  });
});
