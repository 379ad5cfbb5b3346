// SIP over WebSocket against the transports' contract, and what RFC 7118 adds.
import { EventEmitter } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Transport } from "../../../src/sip/transport/transport.ts";
import { formatHostPort } from "../../../src/sip/transport/transport.ts";
import { type WebSocketOptions, webSocketTransport } from "../../../src/sip/transport/ws.ts";
import { WebSocketPipe } from "../../../src/sip/transport/ws-pipe.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { tlsOf } from "../../certificates.ts";
import { dialWebSocket, socketLab } from "../../contract/socket-lab.ts";
import { streamContract } from "../../contract/stream-contract.ts";
import { transportContract } from "../../contract/transport-contract.ts";
import { message, Recorder, type TransportLab } from "../../contract/transport-lab.ts";

const plain = (): TransportLab =>
  socketLab(
    (clock, at, limits) => webSocketTransport({ ...at, ...limits, clock }),
    (to) => dialWebSocket(to),
  );
const secured = (): TransportLab =>
  socketLab(
    (clock, at, limits) => webSocketTransport({ ...at, ...limits, clock }, tlsOf("node")),
    (to) => dialWebSocket(to, "wss"),
  );

for (const host of ["127.0.0.1", "::1"]) {
  transportContract("WebSocket", host, plain);
  streamContract("WebSocket", host, plain);
}
transportContract("WebSocket within TLS", "127.0.0.1", secured);
streamContract("WebSocket within TLS", "127.0.0.1", secured);

describe("RFC 7118", () => {
  let server: Transport;
  const peers: WebSocket[] = [];
  const recorder = new Recorder();
  const { until } = plain();

  async function open(options: Partial<WebSocketOptions> = {}): Promise<string> {
    const clock = new FakeClock();
    server = webSocketTransport({ host: "127.0.0.1", port: 0, clock, ...options });
    await server.listen(recorder);
    return formatHostPort(server.local);
  }
  function connect(place: string, protocol?: string, origin?: string): WebSocket {
    const peer = new WebSocket(`ws://${place}`, protocol, origin === undefined ? {} : { origin });
    peer.on("error", () => undefined);
    peers.push(peer);
    return peer;
  }
  function outcome(peer: WebSocket): Promise<string | number> {
    return new Promise((resolve) => {
      peer.on("open", () => resolve(peer.protocol));
      peer.on("unexpected-response", (_request, { statusCode = 0 }) => resolve(statusCode));
    });
  }
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.terminate();
    await server.close();
    recorder.messages.length = 0;
    recorder.rejected.length = 0;
  });

  test("§4.1: who does not offer the subprotocol `sip` is turned away", async () => {
    const place = await open();
    expect(await outcome(connect(place, "sip"))).toBe("sip");
    expect(await outcome(connect(place, "xmpp"))).toBe(400);
    expect(await outcome(connect(place))).toBe(400);
  });

  test("RFC 6455 §10.2: web pages of other origins are turned away, programs are not", async () => {
    const place = await open({ origins: ["https://phone.example"] });
    expect(await outcome(connect(place, "sip", "https://phone.example"))).toBe("sip");
    expect(await outcome(connect(place, "sip", "https://evil.example"))).toBe(403);
    expect(await outcome(connect(place, "sip"))).toBe("sip");
  });

  test("§5: one message per frame, Content-Length or not, text and binary", async () => {
    const peer = connect(await open(), "sip");
    await outcome(peer);
    peer.send("OPTIONS sip:a SIP/2.0\r\n\r\n");
    peer.send(Buffer.from([0x4f, 0xff]));
    await until(() => recorder.messages.length === 2);
    expect(recorder.texts).toEqual(["OPTIONS sip:a SIP/2.0\r\n\r\n", "O\u00ff"]);
    const kinds: boolean[] = [];
    peer.on("message", (_bytes, isBinary) => kinds.push(isBinary));
    server.send(Buffer.from("text é"), recorder.flow);
    server.send(Buffer.from([0xff]), recorder.flow);
    await until(() => kinds.length === 2);
    expect(kinds).toEqual([false, true]); // octets that are no UTF-8 cannot be text
  });

  test("a frame over the limit ends the connection", async () => {
    const peer = connect(await open({ maxMessageBytes: 100 }), "sip");
    await outcome(peer);
    peer.send(message("bob", "b".repeat(200)));
    await until(() => peer.readyState === WebSocket.CLOSED && recorder.rejected.length === 1);
    expect(recorder.rejected).toEqual(["message too large"]);
    expect(recorder.messages).toEqual([]);
  });

  test("RFC 6455 §5.5.2: a ping is answered with what it carried", async () => {
    const peer = connect(await open(), "sip");
    await outcome(peer);
    const answers: string[] = [];
    peer.on("pong", (payload) => answers.push(payload.toString()));
    peer.ping("there?");
    await until(() => answers.length === 1);
    expect(answers).toEqual(["there?"]);
  });

  /** Sends the first fragment of a message, then pings between the others. */
  function dribble(peer: WebSocket): void {
    peer.send("x".repeat(1_000), { fin: false });
    peer.ping("there?");
  }

  test("limits.partialMessageSeconds: a message whose fragments do not come to an end", async () => {
    const clock = new FakeClock();
    const place = await open({ clock, partialTimeoutMs: 1_000 });
    const peer = connect(place, "sip");
    await outcome(peer);
    let closed = false;
    peer.on("close", () => {
      closed = true;
    });
    let pongs = 0;
    peer.on("pong", () => pongs++);
    peer.send(`whole ${"x".repeat(5_000)}`);
    for (let count = 0; count < 8; count++) dribble(peer);
    await until(() => pongs === 8);
    expect(recorder.rejected).toEqual([]);
    clock.advance(999);
    dribble(peer);
    await until(() => pongs === 9);
    clock.advance(1);
    await until(() => closed);
    expect(recorder.rejected).toEqual(["message not completed"]);
  });

  test("many messages in fragments, and pings, are no beginning of another", async () => {
    const clock = new FakeClock();
    const place = await open({ clock, partialTimeoutMs: 1_000 });
    const peer = connect(place, "sip");
    await outcome(peer);
    const before = recorder.messages.length;
    for (let count = 0; count < 100; count++) {
      for (let part = 0; part < 99; part++) peer.send("abc", { fin: false });
      peer.ping("x".repeat(100));
      peer.send("end", { fin: true });
    }
    await until(() => recorder.messages.length === before + 100);
    clock.advance(2_000);
    peer.send("one more");
    await until(() => recorder.messages.length === before + 101);
  });

  test("pings of a peer that does not read fill no memory with answers", () => {
    let pongs = 0;
    const webSocket = Object.assign(new EventEmitter(), { bufferedAmount: 0, pong: () => pongs++ });
    const pipe = new WebSocketPipe(webSocket as unknown as WebSocket, undefined);
    const ignore = (): void => undefined;
    const events = { onOpen: ignore, onBytes: ignore, onRejected: ignore, onEnded: ignore };
    pipe.start({ ...events, onClosed: ignore });
    webSocket.emit("ping", Buffer.alloc(125));
    expect(pongs).toBe(1);
    webSocket.bufferedAmount = 2 ** 17;
    webSocket.emit("ping", Buffer.alloc(125));
    expect(pongs).toBe(1);
  });

  test("a message in more pieces than anybody needs ends the connection", async () => {
    const peer = connect(await open(), "sip");
    await outcome(peer);
    for (let piece = 0; piece < 300; piece++) peer.send("a", { fin: false });
    await until(() => peer.readyState === WebSocket.CLOSED);
    expect(recorder.messages).toEqual([]);
  });

  test("RFC 6455 §5.6: text that is no UTF-8 ends the connection", async () => {
    const peer = connect(await open(), "sip");
    await outcome(peer);
    let code = 0;
    peer.on("close", (why) => {
      code = why;
    });
    peer.send(Buffer.from([0x4f, 0xff]), { binary: false });
    await until(() => code !== 0);
    expect(code).toBe(1007);
    expect(recorder.messages).toEqual([]);
  });
});
