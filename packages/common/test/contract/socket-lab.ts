// Real sockets for the transports' contract: loopback, port 0, the fake clock for every deadline.
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { vi } from "vitest";
import { WebSocket } from "ws";
import {
  formatHostPort,
  type HostPort,
  type Transport,
} from "../../src/sip/transport/transport.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import type { RawPeer, TransportLab } from "./transport-lab.ts";

export function socketLab(
  make: (clock: FakeClock, ...args: Parameters<TransportLab["transport"]>) => Transport,
  dial: (to: HostPort) => Promise<RawPeer>,
): TransportLab {
  const clock = new FakeClock();
  return {
    clock,
    transport: (at, limits) => make(clock, at, limits),
    dial,
    async until(condition) {
      await vi.waitFor(
        () => {
          clock.advance(0);
          if (!condition()) throw new Error("still waiting");
        },
        { interval: 1, timeout: 3000 },
      );
    },
  };
}

export function dialUdp(to: HostPort): Promise<RawPeer> {
  const socket = createSocket(to.host.includes(":") ? "udp6" : "udp4");
  let received = "";
  socket.on("message", (bytes) => {
    received += bytes.toString("latin1");
  });
  return new Promise((resolve) => {
    socket.bind(0, to.host, () => {
      resolve({
        local: { host: to.host, port: socket.address().port },
        get received() {
          return received;
        },
        closed: false,
        write: (octets) => socket.send(Buffer.from(octets, "latin1"), to.port, to.host),
        close: () => socket.close(),
      });
    });
  });
}

export function dialTcp(to: HostPort): Promise<RawPeer> {
  const socket = connect({ host: to.host, port: to.port, noDelay: true });
  let received = "";
  let closed = false;
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  return new Promise((resolve) => {
    socket.on("connect", () => {
      resolve({
        local: { host: to.host, port: socket.localPort ?? 0 },
        get received() {
          return received;
        },
        get closed() {
          return closed;
        },
        write: (octets) => socket.write(Buffer.from(octets, "latin1")),
        close: () => socket.destroy(),
      });
    });
  });
}

export function dialTls(to: HostPort, options: ConnectionOptions = {}): Promise<RawPeer> {
  // In TLS 1.3 a client is done before its server knows of it.
  const own: ConnectionOptions = { maxVersion: "TLSv1.2", rejectUnauthorized: false, ...options };
  const socket = connectTls({ host: to.host, port: to.port, ...own });
  let received = "";
  let closed = false;
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  return new Promise((resolve) => {
    // A server may turn away whom it has just shaken hands with.
    for (const event of ["secureConnect", "close"])
      socket.on(event, () => {
        resolve({
          local: { host: to.host, port: socket.localPort ?? 0 },
          get received() {
            return received;
          },
          get closed() {
            return closed;
          },
          write: (octets) => socket.write(Buffer.from(octets, "latin1")),
          close: () => socket.destroy(),
        });
      });
  });
}

/** Each write is one frame. */
export function dialWebSocket(to: HostPort, scheme: "ws" | "wss" = "ws"): Promise<RawPeer> {
  const webSocket = new WebSocket(`${scheme}://${formatHostPort(to)}`, "sip", {
    rejectUnauthorized: false,
  });
  let local: HostPort = { host: to.host, port: 0 };
  let received = "";
  webSocket.on("upgrade", ({ socket }) => {
    local = { host: to.host, port: socket.localPort ?? 0 };
  });
  webSocket.on("message", (bytes: Buffer) => {
    received += bytes.toString("latin1");
  });
  webSocket.on("error", () => undefined);
  return new Promise((resolve) => {
    // A connection too many is closed before its handshake.
    for (const event of ["open", "close"])
      webSocket.on(event, () => {
        resolve({
          local,
          get received() {
            return received;
          },
          get closed() {
            return webSocket.readyState === WebSocket.CLOSED;
          },
          write: (octets) => webSocket.send(Buffer.from(octets, "latin1")),
          close: () => webSocket.terminate(),
        });
      });
  });
}
