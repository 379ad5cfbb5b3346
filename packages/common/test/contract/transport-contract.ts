// Contract of every transport, whatever carries it: RFC 3261 §18, RFC 5626 §4.4.1.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HostPort, isSecure, type Transport } from "../../src/sip/transport/transport.ts";
import {
  message,
  OpenedTransports,
  type RawPeer,
  Recorder,
  type TransportLab,
} from "./transport-lab.ts";

/** Registers the suite for one kind of transport on one address family. */
export function transportContract(what: string, host: string, makeLab: () => TransportLab): void {
  describe(`${what} on ${host}`, () => {
    let lab: TransportLab;
    let alice: Transport;
    let bob: Transport;
    let atAlice: Recorder;
    let atBob: Recorder;
    let opened: OpenedTransports;

    beforeEach(async () => {
      lab = makeLab();
      opened = new OpenedTransports(lab, host);
      [alice, atAlice] = await opened.open();
      [bob, atBob] = await opened.open();
    });
    afterEach(() => opened.closeAll());

    const close = (transport: Transport): Promise<void> => opened.close(transport);
    const dial = (to: HostPort): Promise<RawPeer> => opened.dial(to);
    function send(text: string, from: Transport = alice, to: Transport = bob): void {
      from.send(Buffer.from(text, "latin1"), from.flowTo(to.local));
    }

    test("a message arrives octet for octet, with the flow it came over", async () => {
      const text = message("bob", "\u00ff\u0000\r\n\r\nbody");
      send(text);
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([text]);
      expect(atBob.flow.transport).toBe(bob.name);
      expect(atBob.flow.remote.host).toBe(host);
      expect(atBob.flow.local).toEqual(bob.local);
    });

    test("port 0 becomes a real port; a port in use is refused", async () => {
      expect(bob.local.port).toBeGreaterThan(0);
      const third = lab.transport(bob.local);
      await expect(third.listen(new Recorder())).rejects.toMatchObject({ code: "EADDRINUSE" });
    });

    test("RFC 3581 §4, RFC 3261 §18.2.2: an answer takes the flow of its request", async () => {
      const peer = await dial(bob.local);
      peer.write(message("bob"));
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.flow.remote.port).toBe(peer.local.port);
      const answer = message("answer");
      bob.send(Buffer.from(answer), atBob.flow);
      await lab.until(() => peer.received === answer);
    });

    test("messages over one path carry one flow, and flowTo finds it", async () => {
      const peer = await dial(bob.local);
      peer.write(message("one"));
      await lab.until(() => atBob.messages.length === 1);
      const { flow } = atBob;
      peer.write(message("two"));
      await lab.until(() => atBob.messages.length === 2);
      expect(atBob.flow).toBe(flow);
      // RFC 5923 §6: within TLS only where a certificate proves the address, and nobody shows one here.
      expect(bob.flowTo(flow.remote) === flow).toBe(!isSecure(bob.name));
    });

    test("flows to different addresses have different ids", async () => {
      const [one, two] = [await dial(bob.local), await dial(bob.local)];
      one.write(message("one"));
      two.write(message("two"));
      await lab.until(() => atBob.messages.length === 2);
      const ids = atBob.messages.map(({ flow }) => flow.id);
      expect(new Set(ids).size).toBe(2);
    });

    test("RFC 5626 §4.4.1: two CRLF are answered by one, and delivered to nobody", async () => {
      const peer = await dial(bob.local);
      peer.write("\r\n\r\n");
      await lab.until(() => peer.received === "\r\n");
      peer.write(message("bob"));
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([message("bob")]);
    });

    test("the answer to a ping is delivered to nobody and not answered", async () => {
      alice.send(Buffer.from("\r\n\r\n"), alice.flowTo(bob.local));
      send(message("bob"));
      await lab.until(() => atBob.messages.length === 1);
      bob.send(Buffer.from(message("alice")), atBob.flow);
      await lab.until(() => atAlice.messages.length === 1);
      expect([...atAlice.texts, ...atBob.texts]).toEqual([message("alice"), message("bob")]);
    });

    test("RFC 3261 §7.5: line ends before the start line are left out", async () => {
      const peer = await dial(bob.local);
      peer.write(`\r\n${message("bob")}`);
      await lab.until(() => atBob.messages.length === 1);
      expect(atBob.texts).toEqual([message("bob")]);
    });

    test("a port number no socket takes is a failure, not an exception", async () => {
      for (const port of [0, 65_536, -1]) {
        alice.send(Buffer.from("x"), alice.flowTo({ host, port }), (why) => {
          atAlice.failures.push(why);
        });
      }
      expect(atAlice.failures).toEqual([]); // never before send has returned
      await lab.until(() => atAlice.failures.length === 3);
      expect(atAlice.failures).toEqual(["refused", "refused", "refused"]);
    });

    test("after close, sending fails as closed, once", async () => {
      send(message("bob"));
      await lab.until(() => atBob.messages.length === 1);
      const flow = alice.flowTo(bob.local);
      await close(alice);
      const late = alice.flowTo({ host, port: 9 });
      for (const used of [flow, late]) {
        alice.send(Buffer.from("x"), used, (why) => atAlice.failures.push(why));
      }
      await lab.until(() => atAlice.failures.length === 2);
      expect(atAlice.failures).toEqual(["closed", "closed"]);
      await close(alice); // closing twice does no harm
    });
  });
}
