// What is turned away before it is decoded, and what a short answer looks like.
import { describe, expect, test } from "vitest";
import { Backpressure } from "../../../src/sip/admission/backpressure.ts";
import { Gate, type Work } from "../../../src/sip/admission/decide.ts";
import { headOf, isOngoing, methodOf, topViaOf } from "../../../src/sip/admission/peek.ts";
import { shortRefusal } from "../../../src/sip/admission/short-refusal.ts";
import { decode } from "../../../src/sip/message/decode.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";

const SOURCE = { host: "192.0.2.9", port: 40_000 };

function request(method: string, more = "", via = "host:5060;rport;branch=z9hG4bKa"): Buffer {
  return Buffer.from(
    `${method} sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP ${via}\r\nMax-Forwards: 70\r\n` +
      `From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>${more.startsWith(";") ? more : ""}\r\nCall-ID: c\r\n` +
      `CSeq: 7 ${method}\r\n${more.startsWith(";") ? "" : more}Content-Length: 0\r\n\r\n`,
  );
}

const IDLE: Work = { pendingCount: 0, hasServer: () => false };
const random = seededRandom(1);

function pressed(): Gate {
  const backpressure = new Backpressure();
  for (let now = 1_000; now < 60_000; now += 100) backpressure.press(now);
  return new Gate({ random, maxMessageBytes: 65_535, maxPendingTransactions: 10, backpressure });
}

const ANSWER = 'Authorization: Digest username="a", response="cafe", nonce="n"\r\n';
const EMPTY = 'Authorization: Digest username="a", response="", nonce=""\r\n';

describe("the next node has too much", () => {
  test.each<[string, Buffer, boolean]>([
    ["a new REGISTER", request("REGISTER"), false],
    ["one that names its user only", request("REGISTER", EMPTY), false],
    ["one that answers a challenge", request("REGISTER", ANSWER), true],
    ["a new INVITE", request("INVITE"), false],
    ["an INVITE in a dialog", request("INVITE", ";tag=9"), true],
    ["NOTIFY in a dialog", request("NOTIFY", ";tag=9"), true],
    ["BYE", request("BYE", ";tag=9"), true],
    ["CANCEL", request("CANCEL"), true],
    ["ACK", request("ACK"), true],
    ["a response", Buffer.from("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), true],
  ])("%s", (_name, bytes, isTaken) => {
    const gate = pressed();
    const verdicts = Array.from({ length: 30 }, () => gate.judge(bytes, SOURCE.host, 60_000, IDLE));
    const taken = verdicts.filter((verdict) => verdict === undefined).length;
    if (isTaken) expect(taken).toBe(30);
    else expect(taken).toBeLessThan(3);
  });

  test("a repeated request is not refused while the first one is served", () => {
    const key = "z9hG4bKa host:5060 REGISTER";
    const work = { pendingCount: 1, hasServer: (asked: string): boolean => asked === key };
    for (let n = 0; n < 30; n++)
      expect(pressed().judge(request("REGISTER"), SOURCE.host, 60_000, work)).toBeUndefined();
    expect(pressed().judgeLate(request("REGISTER"), work)).toBeUndefined();
  });
});

describe("limits.maxWaitMs: what waited longer", () => {
  test.each<[string, Buffer, string | undefined]>([
    ["a new REGISTER", request("REGISTER"), "refuse"],
    ["one that answers a challenge", request("REGISTER", ANSWER), "refuse"],
    ["an INVITE in a dialog", request("INVITE", ";tag=9"), "refuse"],
    ["BYE", request("BYE", ";tag=9"), undefined],
    ["CANCEL", request("CANCEL"), undefined],
    ["ACK", request("ACK"), undefined],
    ["a response", Buffer.from("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), undefined],
    ["a request without a Via", Buffer.from("INVITE sip:b SIP/2.0\r\n\r\n"), "drop"],
  ])("%s", (_what, bytes, kind) => {
    const gate = new Gate({ random, maxMessageBytes: 65_535, maxPendingTransactions: 10 });
    expect(gate.judgeLate(bytes, IDLE)?.kind).toBe(kind);
  });
});

test("limits.maxPendingTransactions: new work is refused at 80 %, REGISTER at all of it, what is under way never", () => {
  const gate = new Gate({ random, maxMessageBytes: 65_535, maxPendingTransactions: 10 });
  const judge = (bytes: Buffer, pendingCount: number): string | undefined =>
    gate.judge(bytes, SOURCE.host, 0, { ...IDLE, pendingCount })?.why;
  for (const method of ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"]) {
    expect(judge(request(method), 7)).toBeUndefined();
    expect(judge(request(method), 8)).toBe("pending-transactions");
    expect(judge(request(method, ";tag=9"), 10)).toBeUndefined();
  }
  expect(judge(request("REGISTER"), 9)).toBeUndefined();
  expect(judge(request("REGISTER"), 10)).toBe("pending-transactions");
  expect(judge(request("REGISTER", ANSWER), 10)).toBeUndefined();
  expect(judge(request("BYE", ";tag=9"), 10)).toBeUndefined();
});

test("limits.maxMessageBytes: at it taken, over it refused", () => {
  const bytes = request("INVITE");
  const of = (maxMessageBytes: number): string | undefined =>
    new Gate({ random, maxMessageBytes, maxPendingTransactions: 10 }).judge(bytes, "a", 0, IDLE)
      ?.why;
  expect(of(bytes.length)).toBeUndefined();
  expect(of(bytes.length - 1)).toBe("message-size");
});

test("a first look: method, branch and sent-by as the transaction's key has them, folds and short names too", () => {
  const head = headOf(request("OPTIONS", "", "h.example;branch=z9hG4bKq"));
  expect(methodOf(head)).toBe("OPTIONS");
  expect(topViaOf(head)).toEqual({ branch: "z9hG4bKq", sentBy: "h.example:", port: 5060 });
  const short =
    "INVITE sip:b SIP/2.0\r\nv: SIP/2.0/TCP h:99;branch=z9hG4bKq;rport\r\nt: <sip:b>;tag=1\r\n";
  expect(topViaOf(short)).toEqual({ branch: "z9hG4bKq", sentBy: "h:99", port: undefined });
  expect(isOngoing("INVITE", short)).toBe(true);
  for (const junk of ["", "\0\0", "hello", "SIP/2.0 200 OK\r\n"])
    expect(methodOf(headOf(Buffer.from(junk)))).toBeUndefined();
});

describe("a short refusal", () => {
  const refusal = { status: 503, retryAfterSeconds: 7, tag: "t" };
  test("is a whole response to that request", () => {
    const bytes = shortRefusal(headOf(request("INVITE")), SOURCE, refusal);
    const { message } = decode(bytes ?? Buffer.alloc(0));
    if (message?.kind !== "response") throw new Error("no response");
    expect(message.status).toBe(503);
    expect(message.text("Retry-After")).toBe("7");
    expect(message.text("Via")).toBe(
      "SIP/2.0/UDP host:5060;rport=40000;branch=z9hG4bKa;received=192.0.2.9",
    );
    expect(message.to.params.get("tag")).toBe("t");
    expect(message.cseq).toEqual({ number: 7, method: "INVITE" });
  });
  test("keeps every Via in order, folds and the tag that is there", () => {
    const text =
      "INVITE sip:b SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1,\r\n SIP/2.0/UDP b\r\nVia: SIP/2.0/UDP c\r\n" +
      "f: <sip:a>;tag=1\r\nt: <sip:b>;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\n";
    const answer = shortRefusal(text, SOURCE, refusal)?.toString("latin1");
    expect(answer).toContain(
      "v: SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.9,\r\n SIP/2.0/UDP b\r\nVia: SIP/2.0/UDP c\r\n",
    );
    expect(answer).toContain("t: <sip:b>;tag=2\r\n");
  });
  test("is not made where a header it needs is not in sight", () => {
    const text = headOf(request("INVITE")).replace(/Call-ID.*\r\n/, "");
    expect(shortRefusal(text, SOURCE, refusal)).toBeUndefined();
  });
});
