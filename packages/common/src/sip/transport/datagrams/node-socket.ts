// A UDP socket of Node's own. IPv6 sockets take no IPv4.
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { failureOf } from "../failures.ts";
import { literalLookup } from "../literal-lookup.ts";
import { failLater, type HostPort, type SendFailure } from "../transport.ts";
import type { DatagramSocket, DatagramSocketOptions, OnDatagram } from "./datagram-socket.ts";

export class NodeSocket implements DatagramSocket {
  readonly #options: DatagramSocketOptions;
  #socket: Socket | undefined;

  constructor(options: DatagramSocketOptions) {
    this.#options = options;
  }

  bind({ host, port }: HostPort, onDatagram: OnDatagram): Promise<HostPort> {
    const { bufferBytes } = this.#options;
    const six = isIPv6(host);
    const socket = createSocket({
      type: six ? "udp6" : "udp4",
      ipv6Only: six,
      lookup: literalLookup(six ? 6 : 4),
      recvBufferSize: bufferBytes,
      sendBufferSize: bufferBytes,
    });
    this.#socket = socket;
    socket.on("message", (bytes, remote) => onDatagram(bytes, remote.address, remote.port));
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off("error", reject);
        // Some systems report here that an earlier datagram was refused, but not which one.
        socket.on("error", () => undefined);
        resolve({ host, port: socket.address().port });
      });
    });
  }

  send(bytes: Buffer, { host, port }: HostPort, onFailure?: (why: SendFailure) => void): void {
    const socket = this.#socket;
    if (socket === undefined) failLater("closed", onFailure);
    // Node queues a callback for every send that has one: only for those who want to know.
    else if (onFailure === undefined) socket.send(bytes, port, host);
    else {
      socket.send(bytes, port, host, (error) => {
        if (error !== null) onFailure(failureOf(error));
      });
    }
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => socket.close(resolve));
  }
}
