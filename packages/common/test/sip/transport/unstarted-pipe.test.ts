// Pipes whose connection went before they were started: the bare socket closed while its handshake ended.
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { SocketPipe } from "../../../src/sip/transport/socket-pipe.ts";
import { WebSocketPipe } from "../../../src/sip/transport/ws-pipe.ts";

const FAULT = new RangeError("Too many message fragments");

test("WebSocket: what is wrong in octets that came before its end is nobody's fault", () => {
  const webSocket = Object.assign(new EventEmitter(), { terminate: () => undefined });
  new WebSocketPipe(webSocket as unknown as WebSocket, undefined).destroy();
  expect(() => webSocket.emit("error", FAULT)).not.toThrow();
});

test("TCP and TLS: likewise", () => {
  const socket = new Socket();
  new SocketPipe(socket, { openEvent: "connect" }).destroy();
  expect(() => socket.emit("error", FAULT)).not.toThrow();
});
