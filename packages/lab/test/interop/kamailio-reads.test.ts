// A Kamailio behind our P-CSCF: it reads what is let through as we did, or refuses it. See docs/interop/kamailio.md.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { octetsOf, someChanges } from "../../../common/test/spellings/spellings.ts";
import { TwoUsers } from "../scenarios/one-reading.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { type Kamailio, startKamailio } from "./kamailio.ts";
import { requirePrograms } from "./programs.ts";

/** Lines in the place of a REGISTER's, or beside them: each is let through. */
const SPELLINGS: readonly string[] = [
  "l:0",
  "L \t: 0 ",
  "Content-Length:\r\n\t000",
  "Content-Length: 0\r\nl: 00",
  "Content-Length: 0\r\nSubject: \r\n Content-Length: 7",
  "Content-Length: 0\r\nX-Content-Length: 7\r\nContent-Lengths: 7",
  'Content-Length: 0\r\nSubject: "\r\nUser-Agent: "',
  'Content-Length: 0\r\nm: sip:c@192.0.2.1;x="<sip:d@192.0.2.2>;y,\\"z"',
];
const GENERATED = 300;
/** How Kamailio writes that there is none. */
const NO_TAG = "<null>";

let kamailio: Kamailio;
let socket: Socket;
let port: number;
const answers: SipResponse[] = [];

beforeAll(async () => {
  requirePrograms(["kamailio"]);
  [port = 0] = await freePorts(1);
  kamailio = await startKamailio("reader", { READER_PORT: port });
  socket = createSocket("udp4");
  socket.on("message", (bytes) => {
    const { message } = decode(bytes);
    if (message?.kind === "response") answers.push(message);
  });
  socket.bind(0, LOOPBACK);
  await once(socket, "listening");
});
afterAll(async () => {
  socket.close();
  await kamailio.stop();
});

/** One after the other: Kamailio has one process, so the last one's answer comes last. */
async function readByKamailio(all: readonly Buffer[]): Promise<void> {
  answers.length = 0;
  for (const octets of all) await new Promise((sent) => socket.send(octets, port, LOOPBACK, sent));
  const last = `END-${all.length}@127.0.0.1`;
  const end = `OPTIONS sip:k@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKend;rport\r\nMax-Forwards: 1\r\nFrom: <sip:e@127.0.0.1>;tag=e\r\nTo: <sip:e@127.0.0.1>\r\nCall-ID: ${last}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
  socket.send(Buffer.from(end), port, LOOPBACK);
  await vi.waitFor(() => expect(answers.map(({ callId }) => callId)).toContain(last), {
    timeout: 10_000,
    interval: 20,
  });
}

/** How many it has read; each of them as we have. */
function checkAnswers(sent: readonly Buffer[]): number {
  let read = 0;
  for (const octets of sent) {
    const { message } = decode(octets);
    if (message?.kind !== "request") throw new Error("no request went on");
    const answer = answers.find(({ callId }) => callId === message.callId);
    // What it cannot read it answers with 400, or not at all.
    if (answer?.status !== 200) continue;
    // Nor does it take a From apart whose parameters hold a quoted-pair: no tag is no other tag.
    if (answer.text("X-From-Tag") === NO_TAG && message.from.params.has("tag")) continue;
    read++;
    const tag = (each: typeof message.from): string => each.params.get("tag") ?? NO_TAG;
    const length = String(message.body.length);
    expect({
      method: answer.text("X-Method"),
      callId: answer.text("X-Call-ID"),
      cseq: Number(answer.text("X-CSeq")),
      fromTag: answer.text("X-From-Tag"),
      toTag: answer.text("X-To-Tag"),
      length: answer.text("X-Length"),
      body: answer.text("X-Body"),
    }).toEqual({
      method: message.method,
      callId: message.callId,
      cseq: message.cseq.number,
      fromTag: tag(message.from),
      toTag: tag(message.to),
      length,
      body: length,
    });
  }
  return read;
}

test("spellings that the grammar allows", async () => {
  const users = await TwoUsers.start();
  const sent = SPELLINGS.map((line) => {
    const text = octetsOf(users.register()).toString("latin1").replace("Content-Length: 0", line);
    const { onward } = users.send(Buffer.from(text, "latin1"));
    expect([line, onward.length]).toEqual([line, 1]);
    return onward[0] ?? Buffer.alloc(0);
  });
  await readByKamailio(sent);
  expect(checkAnswers(sent)).toBe(SPELLINGS.length);
});

test("written otherwise at random", async () => {
  const users = await TwoUsers.start();
  const sent = fc.sample(someChanges, { seed: 3665, numRuns: GENERATED }).flatMap((changes, at) => {
    const written = at % 2 === 0 ? users.message() : users.register();
    return users.send(octetsOf(written, changes)).onward;
  });
  await readByKamailio(sent);
  const read = checkAnswers(sent);
  expect(sent.length).toBeGreaterThan(GENERATED / 5);
  expect(read).toBeGreaterThan(sent.length * 0.8);
});
