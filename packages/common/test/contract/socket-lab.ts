// Real sockets for the transports' contract: loopback, port 0, the fake clock for every deadline.
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { vi } from "vitest";
import type { HostPort, Transport } from "../../src/sip/transport/transport.ts";
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
