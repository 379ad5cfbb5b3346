// A device that takes an HTTP port for the P-CSCF's is named, once, and a bad HTTP request is not.
import type { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { notesOtherProtocols } from "../../src/platform/http/problem.ts";
import { memoryLogger } from "../../src/testing/memory-logger.ts";

function noted(
  ...received: readonly [octets: string | undefined, from: string][]
): readonly unknown[] {
  const log = memoryLogger();
  const note = notesOtherProtocols(log);
  for (const [octets, remoteAddress] of received) {
    const rawPacket = octets === undefined ? undefined : Buffer.from(octets, "latin1");
    const socket = { remoteAddress, remotePort: 5062, localPort: 9061 } as unknown as Duplex;
    note(Object.assign(new Error("parse"), { rawPacket }), socket);
  }
  return log.named("http.not-http");
}

const REGISTER = "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n";

it.each([
  ["SIP", REGISTER, /SIP to port 9061/],
  ["a SIP response", "SIP/2.0 200 OK\r\n\r\n", /SIP to port 9061/],
  ["TLS", "\x16\x03\x01\x00\xa5", /TLS to port 9061/],
])("%s", (_what, octets, why) => {
  expect(noted([octets, "192.0.2.7"])).toEqual([
    { source: "192.0.2.7:5062/tcp", why: expect.stringMatching(why) },
  ]);
});

it("not what is no SIP, nor what has no octets", () => {
  expect(noted(["GET /\x01 HTTP/1.1\r\n\r\n", "192.0.2.7"], [undefined, "192.0.2.7"])).toEqual([]);
});

it("once for each host, IPv6 in brackets", () => {
  expect(noted([REGISTER, "::1"], [REGISTER, "::1"], [REGISTER, "192.0.2.7"])).toMatchObject([
    { source: "[::1]:5062/tcp" },
    { source: "192.0.2.7:5062/tcp" },
  ]);
});
