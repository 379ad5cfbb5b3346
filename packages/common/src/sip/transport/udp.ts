// SIP over UDP: one datagram, one message. RFC 3261 §18, RFC 3581.
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { failureOf } from "./failures.ts";
import { FlowCache } from "./flow-cache.ts";
import { leadingLineEnds, PING, PONG } from "./keep-alive.ts";
import { literalLookup } from "./literal-lookup.ts";
import { isStun, stunAnswer } from "./stun.ts";
import {
  type Flow,
  type HostPort,
  isPort,
  LARGEST_PAYLOAD,
  type SendFailure,
  type Transport,
  type TransportEvents,
} from "./transport.ts";

export interface UdpOptions extends HostPort {
  /** How many remote addresses are remembered as flow objects. */
  readonly maxFlows?: number;
  /** What the kernel is asked to buffer each way; it silently gives less if it must. */
  readonly socketBufferBytes?: number;
}

/** One socket of the family of `options.host`; IPv6 sockets take no IPv4. */
export function udpTransport(options: UdpOptions): Transport {
  return new UdpTransport(options);
}

class UdpTransport implements Transport {
  readonly name = "udp";
  readonly reliable = false;
  readonly #options: UdpOptions;
  #local: HostPort;
  #flows: FlowCache;
  #socket: Socket | undefined;
  #events: TransportEvents | undefined;

  constructor(options: UdpOptions) {
    this.#options = options;
    this.#local = { host: options.host, port: options.port };
    this.#flows = this.#newFlows();
  }

  get local(): HostPort {
    return this.#local;
  }

  listen(events: TransportEvents): Promise<void> {
    if (this.#socket !== undefined) throw new Error("this transport listens already");
    const { host, port, socketBufferBytes = 4 * 2 ** 20 } = this.#options;
    const six = isIPv6(host);
    const socket = createSocket({
      type: six ? "udp6" : "udp4",
      ipv6Only: six,
      lookup: literalLookup(six ? 6 : 4),
      recvBufferSize: socketBufferBytes,
      sendBufferSize: socketBufferBytes,
    });
    this.#socket = socket;
    this.#events = events;
    socket.on("message", (bytes, remote) => this.#receive(bytes, remote));
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off("error", reject);
        // Some systems report here that an earlier datagram was refused, but not which one.
        socket.on("error", () => undefined);
        this.#local = { host, port: socket.address().port };
        this.#flows = this.#newFlows();
        resolve();
      });
    });
  }

  flowTo(remote: HostPort): Flow {
    return this.#flows.get(remote.host, remote.port);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    const socket = this.#socket;
    const { host, port } = flow.remote;
    if (socket === undefined) failLater("closed", onFailure);
    else if (bytes.length > LARGEST_PAYLOAD) failLater("too-large", onFailure);
    else if (!isPort(port)) failLater("refused", onFailure);
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

  #receive(bytes: Buffer, remote: RemoteInfo): void {
    const flow = this.#flows.get(remote.address, remote.port);
    if (isStun(bytes)) {
      const answer = stunAnswer(bytes, flow.remote);
      if (answer !== undefined) this.send(answer, flow);
      return;
    }
    const skip = leadingLineEnds(bytes);
    if (skip === bytes.length) {
      // Nothing but line ends, or nothing at all: a keep-alive, at most half of it goes back.
      if (bytes.equals(PING)) this.send(PONG, flow);
      return;
    }
    this.#events?.onMessage(skip === 0 ? bytes : bytes.subarray(skip), flow);
  }

  #newFlows(): FlowCache {
    return new FlowCache("udp", this.#local, this.#options.maxFlows ?? 65_536);
  }
}

function failLater(why: SendFailure, onFailure: ((why: SendFailure) => void) | undefined): void {
  if (onFailure !== undefined) queueMicrotask(() => onFailure(why));
}
