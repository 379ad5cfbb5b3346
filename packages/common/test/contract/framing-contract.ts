// Contract of framing: messages cut out of a stream of octets. RFC 3261 §18.3, RFC 5626 §4.4.1.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StreamLimits } from "../../src/sip/transport/stream-limits.ts";
import type { HostPort, Transport } from "../../src/sip/transport/transport.ts";
import {
  message,
  OpenedTransports,
  type RawPeer,
  type Recorder,
  type TransportLab,
} from "./transport-lab.ts";

export function framingContract(what: string, host: string, makeLab: () => TransportLab): void {
  describe(`${what} on ${host}, framing`, () => {
    let lab: TransportLab;
    let opened: OpenedTransports;

    beforeEach(() => {
      lab = makeLab();
      opened = new OpenedTransports(lab, host);
    });
    afterEach(() => opened.closeAll());

    const open = (limits?: Partial<StreamLimits>): Promise<[Transport, Recorder]> =>
      opened.open(limits);
    const dial = (to: HostPort): Promise<RawPeer> => opened.dial(to);

    test("a message in single octets is one message", async () => {
      const [bob, atBob] = await open();
      const peer = await dial(bob.local);
      for (const octet of message("bob", "body")) peer.write(octet);
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([message("bob", "body")]);
    });

    test("joined messages are several, and the beginning of the next waits", async () => {
      const [bob, atBob] = await open();
      const peer = await dial(bob.local);
      const three = message("three", "0123456789");
      peer.write(message("one", "a") + message("two") + three.slice(0, -5));
      await lab.until(() => atBob.messages.length === 2);
      peer.write(three.slice(-5));
      await lab.until(() => atBob.messages.length === 3);
      expect(atBob.texts).toEqual([message("one", "a"), message("two"), three]);
    });

    test("RFC 5626 §4.4.1: one CRLF answers our ping; two that come singly are the peer's", async () => {
      const [bob, atBob] = await open();
      const peer = await dial(bob.local);
      peer.write(message("x"));
      await lab.until(() => atBob.messages.length === 1);
      bob.send(Buffer.from("\r\n\r\n"), atBob.flow);
      await lab.until(() => peer.received === "\r\n\r\n");
      for (const part of ["\r\n", message("y"), "\r\n", message("z")]) peer.write(part);
      await lab.until(() => atBob.messages.length === 3);
      expect(peer.received).toBe("\r\n\r\n");
      for (const part of ["\r\n", "\r\n"]) peer.write(part);
      await lab.until(() => peer.received === "\r\n\r\n\r\n");
    });

    const unframeable = {
      "no Content-Length": "OPTIONS sip:b SIP/2.0\r\nVia: x\r\n\r\n",
      "conflicting Content-Length": "O sip:b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n",
      "malformed Content-Length": "O sip:b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
      "message too large": message("bob", "b".repeat(3000)),
    };
    test.each(Object.entries(unframeable))(
      "%s: rejected, the stream is closed",
      async (why, text) => {
        const [bob, atBob] = await open({ maxMessageBytes: 2000 });
        const peer = await dial(bob.local);
        peer.write(message("first") + text + message("never"));
        await lab.until(() => peer.closed);
        expect(atBob.texts).toEqual([message("first")]);
        expect(atBob.rejected).toEqual([why]);
        await lab.until(() => atBob.closed.length === 1);
      },
    );

    test("a head without end is rejected at the size limit", async () => {
      const [bob, atBob] = await open({ maxMessageBytes: 2000 });
      const peer = await dial(bob.local);
      for (let count = 0; count < 5; count++) peer.write("X".repeat(500));
      await lab.until(() => peer.closed);
      expect(atBob.rejected).toEqual(["message too large"]);
    });

    test("a slow sender is cut off, however busily it dribbles", async () => {
      const [bob, atBob] = await open({ partialTimeoutMs: 1000 });
      const peer = await dial(bob.local);
      peer.write(`${message("first")}OPTIONS`);
      await lab.until(() => atBob.messages.length === 1);
      for (let count = 0; count < 4; count++) {
        lab.clock.advance(200);
        peer.write("x");
      }
      expect(peer.closed).toBe(false);
      lab.clock.advance(300);
      await lab.until(() => peer.closed);
      expect(atBob.rejected).toEqual(["message not completed"]);
    });
  });
}
