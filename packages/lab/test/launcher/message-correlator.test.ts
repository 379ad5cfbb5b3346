// Reports of two nodes about one message become one message of the ladder, in order of time.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import type { TracedMessage } from "@ims-lab/common/trace/traced-message";
import { expect, it } from "vitest";
import {
  type LadderMessage,
  MessageCorrelator,
  type ObservedMessage,
} from "../../src/launcher/message-correlator.ts";

const access = { host: "127.0.0.1", port: 5060 };
const core = { host: "127.0.0.1", port: 4060 };
const serving = { host: "127.0.0.1", port: 6060 };
const phone = { host: "127.0.0.1", port: 40_001 };

function setup(): { report: (...m: TracedMessage[]) => LadderMessage[] } {
  const clock = new FakeClock();
  const seen: LadderMessage[] = [];
  const correlator = new MessageCorrelator({
    known: new Map([
      ["127.0.0.1:5060", "P-CSCF"],
      ["127.0.0.1:4060", "P-CSCF"],
      ["127.0.0.1:6060", "S-CSCF"],
    ]),
    clock,
    onSeen: (message) => seen.push(message),
  });
  return {
    report: (...messages) => {
      for (const message of messages) correlator.report(message);
      clock.advance(1000);
      return seen;
    },
  };
}

function traced(
  node: string,
  from: TracedMessage["from"],
  to: TracedMessage["to"],
  at = 1,
  method = "REGISTER",
  via = "a",
): TracedMessage {
  const bytes = Buffer.from(
    `${method} sip:b SIP/2.0\r\nVia: SIP/2.0/UDP ${via};branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 ${method}\r\n\r\n`,
  );
  return { at, transport: "udp", from, to, bytes, node };
}

it("counts the receiver's report and not the sender's", () => {
  const seen = setup().report(traced("ue", phone, access, 1), traced("pcscf", phone, access, 2));
  expect(seen.map(({ from, to, at }) => [from, to, at])).toEqual([["UE", "P-CSCF", 2]]);
});

it("shows nothing of a message that was sent and never arrived", () => {
  expect(setup().report(traced("pcscf", core, serving))).toEqual([]);
});

it("learns the address from which a node opens a connection", () => {
  const ephemeral = { host: "127.0.0.1", port: 50_123 };
  const { report } = setup();
  const seen = report(
    traced("pcscf", ephemeral, serving, 1),
    traced("scscf", ephemeral, serving, 2),
    traced("pcscf", serving, ephemeral, 3),
  );
  expect(seen.map(({ from, to }) => `${from} ${to}`)).toEqual(["P-CSCF S-CSCF", "S-CSCF P-CSCF"]);
});

it("knows by its Via who opened a connection from a port of its own", () => {
  const ephemeral = { host: "127.0.0.1", port: 50_124 };
  const seen = setup().report(
    traced("scscf", serving, core, 1, "NOTIFY", "127.0.0.1:6060"),
    traced("pcscf", ephemeral, core, 2, "NOTIFY", "127.0.0.1:6060"),
  );
  expect(seen.map(({ from, to }) => `${from} ${to}`)).toEqual(["S-CSCF P-CSCF"]);
});

it("knows by the branch who sent what came from a connection nobody has named", () => {
  const ephemeral = { host: "127.0.0.1", port: 50_125 };
  const seen = setup().report(
    traced("pcscf", ephemeral, access, 2, "REGISTER", "ue.invalid"),
    traced("ue", phone, access, 1, "REGISTER", "ue.invalid"),
  );
  expect(seen.map(({ from, to }) => `${from} ${to}`)).toEqual(["UE P-CSCF"]);
});

it("shows strangers, both ways, by the P-CSCF's reports", () => {
  const stranger = { host: "192.0.2.1", port: 5064 };
  const seen = setup().report(
    traced("pcscf", stranger, access, 1),
    traced("pcscf", access, stranger, 2),
  );
  expect(seen.map(({ from, to }) => `${from} ${to}`)).toEqual([
    "stranger P-CSCF",
    "P-CSCF stranger",
  ]);
});

it("tells reports that crossed in the order of their times", () => {
  const seen = setup().report(
    traced("scscf", core, serving, 5, "SUBSCRIBE"),
    traced("pcscf", serving, core, 3, "NOTIFY"),
  );
  expect(seen.map(({ message }) => message.kind === "request" && message.method)).toEqual([
    "NOTIFY",
    "SUBSCRIBE",
  ]);
});

it("tells what passed the P-CSCF in the P-CSCF's order, whatever the other clocks say", () => {
  const seen = setup().report(
    traced("pcscf", serving, core, 10, "NOTIFY", "127.0.0.1:6060"),
    traced("pcscf", access, phone, 10.4, "NOTIFY", "127.0.0.1:5060"),
    traced("ue", access, phone, 9.8, "NOTIFY", "127.0.0.1:5060"),
    traced("pcscf", access, phone, 510, "NOTIFY", "127.0.0.1:5060"),
    traced("ue", access, phone, 509.6, "NOTIFY", "127.0.0.1:5060"),
  );
  expect(seen.map(({ from, to, at }) => [from, to, at])).toEqual([
    ["S-CSCF", "P-CSCF", 10],
    ["P-CSCF", "UE", 10.4],
    ["P-CSCF", "UE", 510],
  ]);
});

it("waits for a report that comes late before it tells what passed after", () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const known = new Map([
    ["127.0.0.1:4060", "P-CSCF"],
    ["127.0.0.1:6060", "S-CSCF"],
  ] as const);
  const onSeen = ({ from }: LadderMessage): unknown => seen.push(from);
  const correlator = new MessageCorrelator({ known, clock, onSeen });
  const start = clock.now();
  for (let at = 0; at < 2000; at += 20) {
    clock.advance(5);
    correlator.report(traced("scscf", core, serving, start + at + 1, "SUBSCRIBE"));
    clock.advance(15);
    correlator.report(traced("pcscf", serving, core, start + at, "NOTIFY"));
  }
  clock.advance(1000);
  expect(seen).toEqual(Array.from({ length: 100 }, () => ["S-CSCF", "P-CSCF"]).flat());
});

it("tells what is within TCP by the listener", () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const onSeen = ({ hop }: ObservedMessage): unknown => seen.push(hop.transport);
  const correlator = new MessageCorrelator({ known: new Map(), clock, onSeen });
  correlator.listens({ host: "127.0.0.1", port: 5080 }, "P-CSCF", "ws");
  correlator.listens(access, "P-CSCF");
  const page = { host: "127.0.0.1", port: 40_002 };
  correlator.report({ ...traced("pcscf", page, { ...access, port: 5080 }, 1), transport: "tcp" });
  correlator.report({ ...traced("pcscf", { ...access, port: 5080 }, page, 2), transport: "tcp" });
  correlator.report(traced("pcscf", phone, access, 3));
  clock.advance(1000);
  expect(seen).toEqual(["ws", "ws", "udp"]);
});
