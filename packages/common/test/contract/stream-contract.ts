// Contract of stream transports, beside the common one: connections and limits. RFC 3261 §18.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MADE_ROOM, type StreamLimits } from "../../src/sip/transport/stream-limits.ts";
import { type HostPort, isSecure, type Transport } from "../../src/sip/transport/transport.ts";
import {
  message,
  OpenedTransports,
  type RawPeer,
  type Recorder,
  type TransportLab,
} from "./transport-lab.ts";

export function streamContract(what: string, host: string, makeLab: () => TransportLab): void {
  describe(`${what} on ${host}, streams`, () => {
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
    const close = (transport: Transport): Promise<void> => opened.close(transport);
    async function nobody(): Promise<HostPort> {
      const [transport] = await open();
      await close(transport);
      return transport.local;
    }

    test("a connection is reused, for requests both ways unless a certificate has to prove whose it is", async () => {
      const [alice, atAlice] = await open();
      const [bob, atBob] = await open();
      alice.send(Buffer.from(message("one")), alice.flowTo(bob.local));
      alice.send(Buffer.from(message("two")), alice.flowTo(bob.local));
      await lab.until(() => atBob.messages.length === 2);
      expect(atBob.messages[0]?.flow).toBe(atBob.messages[1]?.flow);
      // Nobody shows a certificate here (RFC 5923 §6): the flow is all that is known of the peer.
      const back = isSecure(bob.name) ? atBob.flow : bob.flowTo(atBob.flow.remote);
      bob.send(Buffer.from(message("back")), back);
      await lab.until(() => atAlice.messages.length === 1);
      expect(atAlice.flow).toBe(alice.flowTo(bob.local));
    });

    test("nobody listens: every message sent meanwhile fails as refused, once each", async () => {
      const [alice, atAlice] = await open();
      const flow = alice.flowTo(await nobody());
      for (let count = 0; count < 3; count++) {
        alice.send(Buffer.from(message("x")), flow, (why) => atAlice.failures.push(why));
      }
      await lab.until(() => atAlice.failures.length >= 3);
      expect(atAlice.failures).toEqual(["refused", "refused", "refused"]);
      expect(atAlice.closed).toEqual([]); // it never was open
    });

    test("a connection not made in time fails as timeout", async () => {
      const [alice, atAlice] = await open({ connectTimeoutMs: 3 });
      const [bob] = await open();
      const flow = alice.flowTo(bob.local);
      alice.send(Buffer.from(message("x")), flow, (why) => atAlice.failures.push(why));
      lab.clock.advance(3);
      await lab.until(() => atAlice.failures.length > 0);
      expect(atAlice.failures).toEqual(["timeout"]);
    });

    test("the peer closes: said once; the flow is dead, the next one new", async () => {
      const [alice, atAlice] = await open();
      const [bob, atBob] = await open();
      const flow = alice.flowTo(bob.local);
      alice.send(Buffer.from(message("x")), flow);
      await lab.until(() => atBob.messages.length === 1);
      await close(bob);
      await lab.until(() => atAlice.closed.length > 0);
      expect(atAlice.closed).toEqual([flow]);
      expect(atBob.closed).toEqual([atBob.flow]);
      alice.send(Buffer.from(message("x")), flow, (why) => atAlice.failures.push(why));
      await lab.until(() => atAlice.failures.length > 0);
      expect(atAlice.failures).toEqual(["closed"]);
      expect(alice.flowTo(bob.local).id).not.toBe(flow.id);
    });

    test("a handler that closes the transport is called no more", async () => {
      const bob = lab.transport({ host, port: 0 });
      const texts: string[] = [];
      let closing: Promise<void> | undefined;
      await bob.listen({
        onMessage(bytes) {
          texts.push(bytes.toString());
          closing = bob.close();
        },
        onClosed: () => undefined,
        onRejected: () => undefined,
      });
      const peer = await dial(bob.local);
      for (const text of [message("one"), message("two")]) peer.write(text);
      await lab.until(() => peer.closed);
      await closing;
      expect(texts).toEqual([message("one")]);
    });

    test("what was sent before close still arrives", async () => {
      const [bob, atBob] = await open();
      const peer = await dial(bob.local);
      peer.write(message("x"));
      await lab.until(() => atBob.messages.length === 1);
      bob.send(Buffer.from(message("last", "y".repeat(30_000))), atBob.flow);
      await close(bob);
      await lab.until(() => peer.closed);
      expect(peer.received).toBe(message("last", "y".repeat(30_000)));
    });

    test("a message at the size limit passes", async () => {
      const size = message("bob", "b".repeat(100)).length;
      const [bob, atBob] = await open({ maxMessageBytes: size });
      const peer = await dial(bob.local);
      peer.write(message("bob", "b".repeat(100)));
      await lab.until(() => atBob.messages.length === 1);
    });

    test("who says nothing after connecting is cut off", async () => {
      const [bob, atBob] = await open({ firstMessageTimeoutMs: 5000 });
      const peer = await dial(bob.local);
      lab.clock.advance(4900);
      expect(peer.closed).toBe(false);
      lab.clock.advance(200);
      await lab.until(() => peer.closed);
      expect(atBob.rejected).toEqual(["no message after connecting"]);
    });

    test("an idle connection is closed, one with traffic is not", async () => {
      const [bob, atBob] = await open({ idleTimeoutMs: 60_000 });
      const [busy, idle] = [await dial(bob.local), await dial(bob.local)];
      busy.write(message("busy"));
      idle.write(message("idle"));
      await lab.until(() => atBob.messages.length === 2);
      lab.clock.advance(50_000);
      busy.write("\r\n\r\n");
      await lab.until(() => busy.received === "\r\n");
      lab.clock.advance(11_000);
      await lab.until(() => idle.closed);
      expect(busy.closed).toBe(false);
      expect(atBob.rejected).toEqual(["idle for too long"]);
    });

    test("one connection too many is turned away, the others stay", async () => {
      const [bob, atBob] = await open({ maxConnections: 1 });
      const one = await dial(bob.local);
      one.write(message("one"));
      await lab.until(() => atBob.messages.length === 1);
      const two = await dial(bob.local);
      await lab.until(() => two.closed);
      expect(one.closed).toBe(false);
      expect(atBob.rejected).toEqual(["too many connections"]);
      const flow = bob.flowTo({ host, port: 9 });
      bob.send(Buffer.from(message("x")), flow, (why) => atBob.failures.push(why));
      await lab.until(() => atBob.failures.length > 0);
      expect(atBob.failures).toEqual(["overloaded"]);
    });

    test("one connection too many takes the place of the one that has been silent longest", async () => {
      const [bob, atBob] = await open({ maxConnections: 3 });
      const busy = await dial(bob.local);
      busy.write(message("busy"));
      await lab.until(() => atBob.messages.length === 1);
      const [oldest, younger] = [await dial(bob.local), await dial(bob.local)];
      const newcomer = await dial(bob.local);
      await lab.until(() => oldest.closed);
      newcomer.write(message("newcomer"));
      await lab.until(() => atBob.messages.length === 2);
      expect([busy.closed, younger.closed, newcomer.closed]).toEqual([false, false, false]);
      expect(atBob.rejected).toEqual([MADE_ROOM]);
    });

    test("limits of one source: at them taken, one more turned away, room again when one goes", async () => {
      const [bob, atBob] = await open({ maxConnectionsPerSource: 2 });
      const both = [await dial(bob.local), await dial(bob.local)];
      for (const [n, peer] of both.entries()) peer.write(message(`${n}`));
      await lab.until(() => atBob.messages.length === 2);
      const third = await dial(bob.local);
      await lab.until(() => third.closed);
      expect(atBob.rejected).toEqual(["too many connections of one source"]);
      both[0]?.close();
      await lab.until(() => atBob.closed.length === 1);
      const fourth = await dial(bob.local);
      fourth.write(message("fourth"));
      await lab.until(() => atBob.messages.length === 3);
    });

    test("half-open connections of one source: a whole message makes room", async () => {
      const [bob, atBob] = await open({ maxHalfOpenPerSource: 1 });
      const one = await dial(bob.local);
      const two = await dial(bob.local);
      await lab.until(() => two.closed);
      expect(atBob.rejected).toEqual(["too many half-open connections"]);
      one.write(message("one"));
      await lab.until(() => atBob.messages.length === 1);
      const three = await dial(bob.local);
      three.write(message("three"));
      await lab.until(() => atBob.messages.length === 2);
    });

    test("more than may wait to be written fails as overloaded", async () => {
      const [alice, atAlice] = await open({ maxBacklogBytes: 100 });
      const [bob, atBob] = await open();
      const flow = alice.flowTo(bob.local);
      const text = message("x", "y".repeat(20));
      for (let count = 0; count < 2; count++) {
        alice.send(Buffer.from(text), flow, (why) => atAlice.failures.push(why));
      }
      await lab.until(() => atAlice.failures.length > 0 && atBob.messages.length > 0);
      expect(atAlice.failures).toEqual(["overloaded"]);
      expect(atBob.texts).toEqual([text]);
    });
  });
}
