// SIP over UDP: one datagram, one message. RFC 3261 §18, RFC 3581.
import { isIPv4 } from "node:net";
import type { Clock } from "../../platform/clock.ts";
import { BatchedSocket } from "./datagrams/batched-socket.ts";
import type { DatagramSocket } from "./datagrams/datagram-socket.ts";
import { NodeSocket } from "./datagrams/node-socket.ts";
import { systemCalls } from "./datagrams/system-calls.ts";
import { FlowCache } from "./flow-cache.ts";
import { leadingLineEnds, PING, PONG } from "./keep-alive.ts";
import { isStun, stunAnswer } from "./stun.ts";
import {
  type Flow,
  failLater,
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
  /** Several datagrams per system call, where the machine can: Linux, IPv4, the optional package koffi. */
  readonly batching?: { readonly clock: Clock };
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
  #socket: DatagramSocket | undefined;
  #events: TransportEvents | undefined;

  constructor(options: UdpOptions) {
    this.#options = options;
    this.#local = { host: options.host, port: options.port };
    this.#flows = this.#newFlows();
  }

  get local(): HostPort {
    return this.#local;
  }

  async listen(events: TransportEvents): Promise<void> {
    if (this.#socket !== undefined) throw new Error("this transport listens already");
    const socket = socketOf(this.#options);
    this.#socket = socket;
    this.#events = events;
    this.#local = await socket.bind(this.#local, (bytes, host, port) =>
      this.#receive(bytes, host, port),
    );
    this.#flows = this.#newFlows();
  }

  flowTo(remote: HostPort): Flow {
    return this.#flows.get(remote.host, remote.port);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    const socket = this.#socket;
    if (socket === undefined) failLater("closed", onFailure);
    else if (bytes.length > LARGEST_PAYLOAD) failLater("too-large", onFailure);
    else if (!isPort(flow.remote.port)) failLater("refused", onFailure);
    else socket.send(bytes, flow.remote, onFailure);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return socket?.close() ?? Promise.resolve();
  }

  #receive(bytes: Buffer, host: string, port: number): void {
    const flow = this.#flows.get(host, port);
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

function socketOf({ host, batching, socketBufferBytes }: UdpOptions): DatagramSocket {
  const bufferBytes = socketBufferBytes ?? 4 * 2 ** 20;
  const calls = batching !== undefined && isIPv4(host) ? systemCalls() : undefined;
  return calls === undefined || batching === undefined
    ? new NodeSocket({ bufferBytes })
    : new BatchedSocket(calls, { bufferBytes, clock: batching.clock });
}
