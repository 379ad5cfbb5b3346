// Handshakes before SIP, in TLS and in HTTP, are under the limits of every connection: counted, timed, refused.
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { MADE_ROOM, type StreamLimits } from "../../../src/sip/transport/stream-limits.ts";
import { tlsTransport } from "../../../src/sip/transport/tls.ts";
import type { HostPort, Transport } from "../../../src/sip/transport/transport.ts";
import { type WebSocketOptions, webSocketTransport } from "../../../src/sip/transport/ws.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { tlsOf } from "../../certificates.ts";
import { dialTcp, dialTls, dialWebSocket, socketLab } from "../../contract/socket-lab.ts";
import {
  message,
  type RawPeer,
  Recorder,
  type TransportLab,
} from "../../contract/transport-lab.ts";

const HOST = "127.0.0.1";
/** The beginning of a ClientHello: a record of 512 octets, of which the first come. */
const CLIENT_HELLO = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
const UPGRADE = [
  "GET / HTTP/1.1",
  `Host: ${HOST}`,
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: sip",
].join("\r\n");

interface Kind {
  readonly name: string;
  /** What a slow peer sends of its handshake. */
  readonly begun: string;
  lab(): TransportLab;
}

const KINDS: readonly Kind[] = [
  {
    name: "TLS",
    begun: CLIENT_HELLO,
    lab: () =>
      socketLab(
        (clock, at, limits) => tlsTransport({ ...at, ...limits, clock }, tlsOf("node")),
        dialTls,
      ),
  },
  {
    name: "WebSocket",
    begun: UPGRADE,
    lab: () =>
      socketLab(
        (clock, at, limits) => webSocketTransport({ ...at, ...limits, clock }),
        (to) => dialWebSocket(to),
      ),
  },
  {
    name: "WebSocket within TLS",
    begun: CLIENT_HELLO,
    lab: () =>
      socketLab(
        (clock, at, limits) => webSocketTransport({ ...at, ...limits, clock }, tlsOf("node")),
        (to) => dialWebSocket(to, "wss"),
      ),
  },
];

for (const { name, begun, lab: makeLab } of KINDS) {
  describe(`${name}: a handshake under way`, () => {
    let lab: TransportLab;
    let node: Transport;
    let seen: Recorder;
    const peers: RawPeer[] = [];

    async function open(limits: Partial<StreamLimits>): Promise<HostPort> {
      lab = makeLab();
      seen = new Recorder();
      node = lab.transport({ host: HOST, port: 0 }, limits);
      await node.listen(seen);
      return node.local;
    }
    /** A connection that does not get on with its handshake. */
    async function dialSlow(to: HostPort): Promise<RawPeer> {
      const peer = await dialTcp(to);
      peers.push(peer);
      peer.write(begun);
      return peer;
    }
    async function dial(to: HostPort): Promise<RawPeer> {
      const peer = await lab.dial(to);
      peers.push(peer);
      return peer;
    }
    afterEach(async () => {
      for (const peer of peers.splice(0)) peer.close();
      await node.close();
    });

    test.each<[Partial<StreamLimits>, string]>([
      [{ maxConnectionsPerSource: 2 }, "too many connections of one source"],
      [{ maxHalfOpenPerSource: 2 }, "too many half-open connections"],
    ])("counts for %o: two are taken, the third is not", async (limits, reason) => {
      const at = await open(limits);
      const [first, second] = [await dialSlow(at), await dialSlow(at)];
      const third = await dialSlow(at);
      await lab.until(() => third.closed);
      expect(seen.rejected).toEqual([reason]);
      expect([first.closed, second.closed]).toEqual([false, false]);
    });

    test("maxConnections: of those under way the oldest gives way", async () => {
      const at = await open({ maxConnections: 2 });
      const [first, second] = [await dialSlow(at), await dialSlow(at)];
      const third = await dialSlow(at);
      await lab.until(() => first.closed);
      expect(seen.rejected).toEqual([MADE_ROOM]);
      expect([second.closed, third.closed]).toEqual([false, false]);
    });

    test("who ends his makes room", async () => {
      const at = await open({ maxHalfOpenPerSource: 1 });
      const slow = await dialSlow(at);
      slow.close();
      let other = await dial(at);
      // The node hears of the end a moment after us.
      while (other.closed) other = await dial(at);
      other.write(message("bob"));
      await lab.until(() => seen.messages.length === 1);
      expect(seen.closed).toEqual([]); // it never was a flow
    });

    test("slow loris: cut off when the first message is overdue, an octet at a time or not", async () => {
      const at = await open({ firstMessageTimeoutMs: 5000 });
      const slow = await dialSlow(at);
      for (let second = 0; second < 4; second++) {
        lab.clock.advance(1000);
        slow.write("\x01");
      }
      expect(slow.closed).toBe(false);
      lab.clock.advance(1000);
      await lab.until(() => slow.closed);
      expect(seen.rejected).toEqual(["handshake not completed"]);
    });

    test("nothing at all is cut off, too", async () => {
      const at = await open({ firstMessageTimeoutMs: 5000 });
      const mute = await dialTcp(at);
      peers.push(mute);
      lab.clock.advance(5000);
      await lab.until(() => mute.closed);
      expect(seen.rejected).toEqual(["handshake not completed"]);
    });

    test("a handshake that is over gives no more time for the first message", async () => {
      const at = await open({ firstMessageTimeoutMs: 5000 });
      const peer = await dial(at);
      lab.clock.advance(5000);
      await lab.until(() => peer.closed);
      expect(seen.rejected).toEqual(["no message after connecting"]);
    });

    test("closing the node ends it", async () => {
      const at = await open({});
      const slow = await dialSlow(at);
      await lab.until(() => true);
      await node.close();
      await lab.until(() => slow.closed);
    });

    test("octets that are no handshake: counted once, and the connection ends", async () => {
      const at = await open({});
      const peer = await dialTcp(at);
      peers.push(peer);
      peer.write(message("bob"));
      await lab.until(() => peer.closed && seen.rejected.length > 0);
      const plain = name === "WebSocket" ? "WebSocket handshake refused" : "TLS handshake failed";
      expect(seen.rejected).toEqual([plain]);
      expect(seen.messages).toEqual([]);
    });
  });
}

describe("HTTP at a WebSocket port", () => {
  let node: Transport;
  let socket: Socket;
  const seen = new Recorder();
  const { until } = socketLab(
    (clock, at) => webSocketTransport({ ...at, clock }),
    (to) => dialWebSocket(to),
  );

  async function say(request: string, options: Partial<WebSocketOptions> = {}): Promise<string> {
    node = webSocketTransport({ host: HOST, port: 0, clock: new FakeClock(), ...options });
    await node.listen(seen);
    socket = connect({ host: HOST, port: node.local.port });
    let heard = "";
    let closed = false;
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      closed = true;
    });
    socket.write(request);
    await until(() => closed);
    return heard.split("\r\n", 1).join();
  }
  afterEach(async () => {
    socket.destroy();
    await node.close();
    seen.rejected.length = 0;
  });

  test.each([
    ["a page asked for", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 Upgrade Required"],
    [
      "a body that never ends",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nx",
      "HTTP/1.1 426",
    ],
    ["headers over 16 KiB", `${UPGRADE}\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "HTTP/1.1 4"],
    ["no version", `${UPGRADE.replace(/Sec-WebSocket-Version.*\r\n/, "")}\r\n\r\n`, "HTTP/1.1 400"],
    ["another version", `${UPGRADE.replace("Version: 13", "Version: 99")}\r\n\r\n`, "HTTP/1.1 400"],
    ["a key too short", `${UPGRADE.replace("AAAA==", "==")}\r\n\r\n`, "HTTP/1.1 400"],
    ["another subprotocol", `${UPGRADE.replace("ol: sip", "ol: xmpp")}\r\n\r\n`, "HTTP/1.1 400"],
    ["the subprotocol twice", `${UPGRADE}, sip\r\n\r\n`, "HTTP/1.1 400"],
    [
      "an upgrade to something else",
      `${UPGRADE.replace("websocket", "h2c")}\r\n\r\n`,
      "HTTP/1.1 400",
    ],
    ["a method that cannot", `${UPGRADE.replace("GET", "POST")}\r\n\r\n`, "HTTP/1.1 4"],
  ])("%s: refused, counted once, closed", async (_what, request, status) => {
    expect(await say(request)).toContain(status);
    expect(seen.rejected).toEqual(["WebSocket handshake refused"]);
  });
});
