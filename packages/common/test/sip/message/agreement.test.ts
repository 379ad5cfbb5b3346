// One reading: what the framer cuts, what the first look sees and what the decoder takes are the same message, or it is refused.

import { Peek } from "@ims-lab/common/sip/admission/peek";
import { decode } from "@ims-lab/common/sip/message/decode";
import { Via } from "@ims-lab/common/sip/message/fields";
import { type Frame, Framer } from "@ims-lab/common/sip/message/framer";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { leadingLineEnds } from "@ims-lab/common/sip/transport/keep-alive";
import { WholeFrames } from "@ims-lab/common/sip/transport/whole-frames";
import fc from "fast-check";
import { expect, test } from "vitest";
import { octetsOf, someChanges, type Written } from "../../spellings/spellings.ts";

const MESSAGE: Written = {
  start: "MESSAGE sip:b@ims.example SIP/2.0",
  headers: [
    ["Via", "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa;rport"],
    ["Max-Forwards", "70"],
    ["From", "<sip:a@ims.example>;tag=f"],
    ["To", "<sip:b@ims.example>"],
    ["Call-ID", "c@192.0.2.1"],
    ["CSeq", "1 MESSAGE"],
    ["Content-Type", "text/plain"],
    ["Content-Length", "5"],
  ],
  body: "hello",
};
const NEXT = Buffer.from("OPTIONS sip:n@ims.example SIP/2.0\r\nl: 0\r\n\r\n");
const MAX = 65_535;

/** @param size of the pieces that it comes in */
function framesOf(bytes: Buffer, size = bytes.length): Frame[] {
  const framer = new Framer(MAX);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size)
    frames.push(...framer.push(bytes.subarray(at, at + size)));
  return frames.filter(({ kind }) => kind !== "line-ends");
}

function whatItSays(request: SipRequest): unknown[] {
  const { method, uri, callId, cseq, from, to, body } = request;
  const via = request.get(Via);
  const tags = [from, to].map(({ params }) => params.get("tag"));
  return [method, uri, callId, cseq, tags, via?.branch, body.toString("latin1")];
}

function accepted(bytes: Buffer): SipRequest | undefined {
  const { message } = decode(bytes.subarray(leadingLineEnds(bytes)));
  return message?.kind === "request" ? message : undefined;
}

function checkOneReading(bytes: Buffer): void {
  const asDatagram = accepted(bytes);
  // A WebSocket message is whole, as a datagram is.
  const [whole] = new WholeFrames(MAX).push(bytes);
  const asWhole = whole?.kind === "message" ? accepted(whole.bytes) : undefined;
  expect(asWhole && whatItSays(asWhole)).toEqual(asDatagram && whatItSays(asDatagram));

  const stream = Buffer.concat([bytes, NEXT]);
  const frames = framesOf(stream);
  expect(framesOf(stream, 1)).toEqual(frames);
  const [first, second] = frames;
  const asStream = first?.kind === "message" ? accepted(first.bytes) : undefined;
  if (asStream === undefined) {
    // Whoever names no length is understood where the datagram says it.
    expect(asDatagram === undefined || !asDatagram.has("Content-Length")).toBe(true);
    return;
  }
  expect(whatItSays(asStream)).toEqual(asDatagram && whatItSays(asDatagram));
  const end =
    stream.indexOf(first?.kind === "message" ? first.bytes : "") +
    (first?.kind === "message" ? first.bytes.length : 0);
  // What stands behind the body begins the next message, which is no part of this one.
  if (end === bytes.length) expect(second).toEqual({ kind: "message", bytes: NEXT });

  const peek = new Peek(bytes.subarray(leadingLineEnds(bytes)));
  expect(peek.method).toBe(asStream.method);
  const { via } = peek;
  if (via === undefined) return;
  const read = asStream.get(Via);
  expect(via.branch).toBe(read?.branch);
  expect(via.sentBy.toLowerCase()).toBe(`${read?.host}:${read?.port ?? ""}`);
}

test("as it is meant: taken by each of them", () => {
  const bytes = octetsOf(MESSAGE);
  expect(accepted(bytes)?.body.toString()).toBe("hello");
  checkOneReading(bytes);
});

test("written otherwise: they agree, or it is refused", { timeout: 60_000 }, () => {
  let taken = 0;
  fc.assert(
    fc.property(someChanges, (changes) => {
      const bytes = octetsOf(MESSAGE, changes);
      if (accepted(bytes) !== undefined) taken++;
      checkOneReading(bytes);
    }),
    { seed: 3261, numRuns: 1500 },
  );
  // Neither all nor none of it, or nothing would have been tried.
  expect(taken).toBeGreaterThan(150);
  expect(taken).toBeLessThan(1350);
});
