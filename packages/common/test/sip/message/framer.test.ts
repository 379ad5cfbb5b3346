// Stream framing: RFC 3261 §18.3, cut at every place and at random.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Frame, Framer } from "../../../src/sip/message/framer.ts";

const MAX = 4096;

function frames(chunks: readonly string[], max = MAX): Frame[] {
  const framer = new Framer(max);
  return chunks.flatMap((chunk) => framer.push(Buffer.from(chunk, "latin1")));
}

function texts(found: readonly Frame[]): string[] {
  return found.flatMap((frame) =>
    frame.kind === "message" ? [frame.bytes.toString("latin1")] : [],
  );
}

function lineEnds(found: readonly Frame[]): number {
  return found.reduce((sum, frame) => sum + (frame.kind === "line-ends" ? frame.count : 0), 0);
}

const invite = "INVITE sip:b SIP/2.0\r\nVia: x\r\nContent-Length: 4\r\n\r\nbody";
const ack = "ACK sip:b SIP/2.0\r\nl:0\r\n\r\n";

describe("RFC 3261 §18.3: Content-Length ends a message", () => {
  test.each([
    ["long form", "Content-Length: 4"],
    ["compact form", "l: 4"],
    ["any case", "cOnTeNt-LeNgTh:4"],
    ["blanks before the colon", "Content-Length \t: 4  "],
    ["folded value", "Content-Length:\r\n  4"],
    ["leading zeros", "Content-Length: 0004"],
    ["twice the same", "Content-Length: 4\r\nl: 4"],
    ["beside names that look alike", "Content-Language: 9\r\nContent-Lengths: 9\r\nlx: 9\r\nL: 4"],
    ["not in a folded line", "Subject: x\r\n l: 9\r\nl: 4"],
    ["not after a lone line feed", "Subject: x\nl: 9\r\nl: 4"],
  ])("%s", (_what, header) => {
    const text = `O sip:b SIP/2.0\r\n${header}\r\nVia: y\r\n\r\nbody`;
    expect(texts(frames([text + ack]))).toEqual([text, ack]);
  });

  test.each([
    ["none", "Via: x", "no Content-Length"],
    ["empty", "Content-Length:", "malformed Content-Length"],
    ["negative", "Content-Length: -1", "malformed Content-Length"],
    ["list", "Content-Length: 4, 4", "malformed Content-Length"],
    ["not a number", "l: 0x4", "malformed Content-Length"],
    ["two values", "l: 4\r\nContent-Length: 5", "conflicting Content-Length"],
    ["beyond the limit", `l: ${MAX}`, "message too large"],
    ["beyond any number", `l: ${"9".repeat(400)}`, "message too large"],
  ])("%s: rejected, and nothing after it is framed", (_what, header, reason) => {
    const found = frames([`${ack}O sip:b SIP/2.0\r\n${header}\r\n\r\nbody${ack}`, ack]);
    expect(found).toEqual([
      { kind: "message", bytes: Buffer.from(ack) },
      { kind: "rejected", reason },
    ]);
  });
});

describe("chunks", () => {
  const stream = `${invite}\r\n\r\n${ack}${invite}\r\n${ack}`;
  const expected = [invite, ack, invite, ack];

  test("cut at every place, the messages are the same", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const found = frames([stream.slice(0, cut), stream.slice(cut)]);
      expect(texts(found)).toEqual(expected);
      expect(lineEnds(found)).toBe(3);
    }
  });

  test("cut anywhere any number of times, the messages are the same", () => {
    const cuts = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (places) => {
        const sorted = [0, ...places.sort((a, b) => a - b), stream.length];
        const chunks = sorted.slice(1).map((end, index) => stream.slice(sorted[index], end));
        expect(texts(frames(chunks))).toEqual(expected);
      }),
    );
  });

  test("any octets in any pieces give frames or a rejection, never an exception", () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
      fc
        .constantFrom("\r\n", "\r\n\r\n", "l: 3\r\n", "Content-Length: ", "\r\n ", ":")
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
        const framer = new Framer(256);
        for (const octets of chunks) {
          for (const frame of framer.push(octets)) {
            if (frame.kind === "message") expect(frame.bytes.length).toBeLessThanOrEqual(256);
          }
        }
      }),
    );
  });

  test("the size limit counts to the octet, in one piece or many", () => {
    for (const pieces of [[invite], [...invite]]) {
      expect(texts(frames(pieces, invite.length))).toEqual([invite]);
      expect(frames(pieces, invite.length - 1).at(-1)).toEqual({
        kind: "rejected",
        reason: "message too large",
      });
    }
  });

  test("a message in pieces keeps its octets when later chunks come", () => {
    const framer = new Framer(MAX);
    framer.push(Buffer.from(invite.slice(0, 30)));
    const [frame] = framer.push(Buffer.from(invite.slice(30) + ack.slice(0, 5)));
    framer.push(Buffer.from(ack.slice(5)));
    expect(frame?.kind === "message" && frame.bytes.toString()).toBe(invite);
    expect(framer.pending).toBe(false);
  });
});
