// Contract of datagram transports, beside the common one.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Transport } from "../../src/sip/transport/transport.ts";
import { message, Recorder, type TransportLab } from "./transport-lab.ts";

export function datagramContract(what: string, host: string, makeLab: () => TransportLab): void {
  describe(`${what} on ${host}, datagrams`, () => {
    let lab: TransportLab;
    let bob: Transport;
    let atBob: Recorder;

    beforeEach(async () => {
      lab = makeLab();
      bob = lab.transport({ host, port: 0 });
      atBob = new Recorder();
      await bob.listen(atBob);
    });
    afterEach(() => bob.close());

    test("RFC 3261 §18.1.1: what fits into no datagram is too large", async () => {
      const flow = bob.flowTo(bob.local);
      bob.send(Buffer.alloc(65_508), flow, (why) => atBob.failures.push(why));
      await lab.until(() => atBob.failures.length > 0);
      expect(atBob.failures).toEqual(["too-large"]);
    });

    test("a message of 60 000 octets arrives whole", async () => {
      const text = message("bob", "b".repeat(60_000));
      bob.send(Buffer.from(text), bob.flowTo(bob.local));
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts[0]?.length).toBe(text.length);
    });

    test("empty datagrams and stray line ends are neither delivered nor answered", async () => {
      const peer = await lab.dial(bob.local);
      for (const octets of ["", "\r\n", "\n\n\n\n\n\n\n\n"]) peer.write(octets);
      peer.write(message("bob"));
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([message("bob")]);
      expect(peer.received).toBe("");
      peer.close();
    });

    test("one datagram is one message, whatever its Content-Length says", async () => {
      const peer = await lab.dial(bob.local);
      const text = `${message("one")}${message("two")}`;
      peer.write(text);
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([text]);
      peer.close();
    });
  });
}
