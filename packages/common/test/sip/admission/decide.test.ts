// Admission, decided before a message is decoded, and what a short refusal looks like.
import { describe, expect, test } from "vitest";
import { type AdmissionState, type Decision, decide } from "../../../src/sip/admission/decide.ts";
import { Peek } from "../../../src/sip/admission/peek.ts";
import { shortRefusal } from "../../../src/sip/admission/short-refusal.ts";
import { decode } from "../../../src/sip/message/decode.ts";

const SOURCE = { host: "192.0.2.9", port: 40_000 };

function request(method: string, more = "", via = "host:5060;rport;branch=z9hG4bKa"): Buffer {
  return Buffer.from(
    `${method} sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP ${via}\r\nMax-Forwards: 70\r\n` +
      `From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>${more.startsWith(";") ? more : ""}\r\nCall-ID: c\r\n` +
      `CSeq: 7 ${method}\r\n${more.startsWith(";") ? "" : more}Content-Length: 0\r\n\r\n`,
  );
}

const ANSWER = 'Authorization: Digest username="a", response="cafe", nonce="n"\r\n';
const EMPTY = 'Authorization: Digest username="a", response="", nonce=""\r\n';

const MESSAGES = {
  "a new REGISTER": request("REGISTER"),
  "a REGISTER that names its user only": request("REGISTER", EMPTY),
  "a REGISTER that answers a challenge": request("REGISTER", ANSWER),
  "a new INVITE": request("INVITE"),
  "a new OPTIONS": request("OPTIONS"),
  "a new MESSAGE": request("MESSAGE"),
  "a new SUBSCRIBE": request("SUBSCRIBE"),
  "an INVITE in a dialog": request("INVITE", ";tag=9"),
  "a NOTIFY in a dialog": request("NOTIFY", ";tag=9"),
  "a BYE": request("BYE", ";tag=9"),
  "a CANCEL": request("CANCEL"),
  "an ACK": request("ACK"),
  "a response": Buffer.from("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"),
  "an INVITE without a Via": Buffer.from("INVITE sip:b SIP/2.0\r\n\r\n"),
  "no SIP at all": Buffer.from("hello"),
} as const;
type Name = keyof typeof MESSAGES;
const NAMES = Object.keys(MESSAGES) as Name[];
const NEW_REGISTERS: readonly Name[] = ["a new REGISTER", "a REGISTER that names its user only"];
const OTHER_NEW: readonly Name[] = [
  "a new INVITE",
  "a new OPTIONS",
  "a new MESSAGE",
  "a new SUBSCRIBE",
];
const NEW = [...NEW_REGISTERS, ...OTHER_NEW];
const UNANSWERABLE: readonly Name[] = [
  "an ACK",
  "a response",
  "an INVITE without a Via",
  "no SIP at all",
];

/** Room for everybody. */
const IDLE: AdmissionState = {
  maxMessageBytes: 65_535,
  rate: "within",
  pending: 0,
  maxPending: 10,
  share: 1,
  draw: 0.999,
  isLate: false,
  hasServer: () => false,
};

function shown(decision: Decision): string {
  return decision.kind === "admit" ? "admit" : `${decision.kind} ${decision.why}`;
}

/** One row per state: what is turned away in it; everything else is let in. */
const ROWS: readonly [
  what: string,
  state: Partial<AdmissionState>,
  turnedAway: Partial<Record<Name, string>>,
][] = [
  ["there is room", {}, {}],
  ["a source is over its rate", { rate: "over" }, everything("source-rate")],
  ["a source is far over its rate", { rate: "far-over" }, all(NAMES, "drop source-rate")],
  ["it is too long", { maxMessageBytes: 4 }, everything("message-size")],
  [
    "it is too long and over its rate",
    { maxMessageBytes: 4, rate: "far-over" },
    everything("message-size"),
  ],
  ["the next node has too much and the draw is below the share", { share: 0.5, draw: 0.49 }, {}],
  [
    "the next node has too much and the draw is at the share",
    { share: 0.5, draw: 0.5 },
    { ...all(NEW, "refuse overload"), "an INVITE without a Via": "drop overload" },
  ],
  ["7 of 10 are pending", { pending: 7 }, {}],
  [
    "8 of 10 are pending",
    { pending: 8 },
    {
      ...all(OTHER_NEW, "refuse pending-transactions"),
      "an INVITE without a Via": "drop pending-transactions",
    },
  ],
  [
    "10 of 10 are pending",
    { pending: 10 },
    {
      ...all(NEW, "refuse pending-transactions"),
      "an INVITE without a Via": "drop pending-transactions",
    },
  ],
  [
    "8 of 10 are pending and the next node has too much",
    { pending: 8, share: 0.5, draw: 0.5 },
    {
      ...all(OTHER_NEW, "refuse pending-transactions"),
      ...all(NEW_REGISTERS, "refuse overload"),
      "an INVITE without a Via": "drop pending-transactions",
    },
  ],
  [
    "it waited for longer than limits.maxWaitMs",
    { isLate: true },
    {
      ...all(
        [
          ...NEW,
          "a REGISTER that answers a challenge",
          "an INVITE in a dialog",
          "a NOTIFY in a dialog",
        ],
        "refuse overload",
      ),
      "an INVITE without a Via": "drop overload",
    },
  ],
  [
    "its transaction exists, however full it is",
    { pending: 10, hasServer: isKnown },
    withoutVia("pending-transactions"),
  ],
  [
    "its transaction exists, however late it is",
    { isLate: true, hasServer: isKnown },
    withoutVia("overload"),
  ],
];

function all(names: readonly Name[], outcome: string): Partial<Record<Name, string>> {
  return Object.fromEntries(names.map((name) => [name, outcome]));
}

function everything(why: string): Partial<Record<Name, string>> {
  return { ...all(NAMES, `refuse ${why}`), ...all(UNANSWERABLE, `drop ${why}`) };
}

function withoutVia(why: string): Partial<Record<Name, string>> {
  return { "an INVITE without a Via": `drop ${why}` };
}

/** As the transaction layer names it. */
function isKnown(key: string): boolean {
  return /^z9hG4bKa host:5060 [A-Z]+$/.test(key);
}

describe.each(ROWS)("%s", (_what, state, turnedAway) => {
  test.each(NAMES)("%s", (name) => {
    const decision = decide(new Peek(MESSAGES[name]), { ...IDLE, ...state });
    expect(shown(decision)).toBe(turnedAway[name] ?? "admit");
  });
});

test("limits.maxPendingTransactions: new work is refused at 80 %, REGISTER at all of it, what is under way never", () => {
  const outcome = (name: Name, pending: number): string =>
    shown(decide(new Peek(MESSAGES[name]), { ...IDLE, pending }));
  expect([7, 8].map((pending) => outcome("a new INVITE", pending))).toEqual([
    "admit",
    "refuse pending-transactions",
  ]);
  expect([9, 10].map((pending) => outcome("a new REGISTER", pending))).toEqual([
    "admit",
    "refuse pending-transactions",
  ]);
  expect(outcome("a BYE", 10)).toBe("admit");
});

test("limits.maxMessageBytes: at it taken, over it refused", () => {
  const bytes = MESSAGES["a new INVITE"];
  const outcome = (maxMessageBytes: number): string =>
    shown(decide(new Peek(bytes), { ...IDLE, maxMessageBytes }));
  expect(outcome(bytes.length)).toBe("admit");
  expect(outcome(bytes.length - 1)).toBe("refuse message-size");
});

test("while there is room nothing of the message is read", () => {
  const unread = new Peek(MESSAGES["a new INVITE"]);
  Object.defineProperty(unread, "head", { get: () => expect.unreachable("the head was read") });
  expect(shown(decide(unread, IDLE))).toBe("admit");
});

test("a peek: method, branch and sent-by as the transaction's key has them, folds and short names too", () => {
  const peek = new Peek(request("OPTIONS", "", "h.example;branch=z9hG4bKq"));
  expect(peek.method).toBe("OPTIONS");
  expect(peek.via).toEqual({ branch: "z9hG4bKq", sentBy: "h.example:", port: 5060 });
  expect(peek.transactionKey).toBe("z9hG4bKq h.example: OPTIONS");
  const short = new Peek(
    Buffer.from(
      "INVITE sip:b SIP/2.0\r\nv: SIP/2.0/TCP h:99;branch=z9hG4bKq;rport\r\nt: <sip:b>;tag=1\r\n\r\n",
    ),
  );
  expect(short.via).toEqual({ branch: "z9hG4bKq", sentBy: "h:99", port: undefined });
  expect(short.isOngoing).toBe(true);
  for (const junk of ["", "\0\0", "hello", "SIP/2.0 200 OK\r\n"])
    expect(new Peek(Buffer.from(junk)).method).toBeUndefined();
});

describe("a short refusal", () => {
  const refusal = { status: 503, retryAfterSeconds: 7, tag: "t" };
  test("is a whole response to that request", () => {
    const bytes = shortRefusal(new Peek(request("INVITE")).head, SOURCE, refusal);
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
    const text = new Peek(request("INVITE")).head.replace(/Call-ID.*\r\n/, "");
    expect(shortRefusal(text, SOURCE, refusal)).toBeUndefined();
  });
});
