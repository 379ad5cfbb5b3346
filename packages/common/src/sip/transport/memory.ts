// The transport port over a network in memory, so that whole systems run under a fake clock.
import type { Clock } from "../../platform/clock.ts";
import { FlowCache } from "./flow-cache.ts";
import { leadingLineEnds, PING, PONG } from "./keep-alive.ts";
import type { Carrier } from "./pipe.ts";
import type { StreamLimits } from "./stream-limits.ts";
import { StreamTransport } from "./stream-transport.ts";
import { isStun, stunAnswer } from "./stun.ts";
import {
  type Flow,
  type HostPort,
  LARGEST_PAYLOAD,
  type SendFailure,
  type Transport,
  type TransportEvents,
  type TransportName,
} from "./transport.ts";

/** A bound datagram port. */
export interface DatagramPort {
  readonly local: HostPort;
  /** `onRefused`: nobody listens there, and the network says so. */
  send(bytes: Buffer, to: HostPort, onRefused?: () => void): void;
  close(): void;
}

/** What carries octets between memory transports. */
export interface MemoryNetwork {
  readonly clock: Clock;
  /** Port 0 takes a free one; a port in use throws EADDRINUSE. */
  bind(at: HostPort, receive: (bytes: Buffer, from: HostPort) => void): DatagramPort;
  /** For one stream transport. */
  carrier(): Carrier;
}

/** `name` says what it stands in for: datagrams that may be lost, or streams. */
export function memoryTransport(
  network: MemoryNetwork,
  at: HostPort,
  name: TransportName,
  limits: Partial<StreamLimits> = {},
): Transport {
  if (name === "udp") return new MemoryDatagrams(network, at);
  const framed = name === "ws" || name === "wss";
  const carrier: Carrier = { ...network.carrier(), framed };
  return new StreamTransport(carrier, { ...limits, ...at, clock: network.clock }, name);
}

class MemoryDatagrams implements Transport {
  readonly name = "udp";
  readonly reliable = false;
  readonly #network: MemoryNetwork;
  #local: HostPort;
  #flows: FlowCache;
  #port: DatagramPort | undefined;

  constructor(network: MemoryNetwork, at: HostPort) {
    this.#network = network;
    this.#local = at;
    this.#flows = new FlowCache("udp", at, MEMORY_FLOWS);
  }

  get local(): HostPort {
    return this.#local;
  }

  listen(events: TransportEvents): Promise<void> {
    try {
      this.#port = this.#network.bind(this.#local, (bytes, from) => {
        this.#receive(bytes, from, events);
      });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#local = this.#port.local;
    this.#flows = new FlowCache("udp", this.#local, MEMORY_FLOWS);
    return Promise.resolve();
  }

  flowTo(remote: HostPort): Flow {
    return this.#flows.get(remote.host, remote.port);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    const failLater = (why: SendFailure): void => {
      if (onFailure !== undefined) this.#network.clock.after(0, () => onFailure(why));
    };
    if (this.#port === undefined) failLater("closed");
    else if (bytes.length > LARGEST_PAYLOAD) failLater("too-large");
    else this.#port.send(bytes, flow.remote, () => onFailure?.("refused"));
  }

  close(): Promise<void> {
    this.#port?.close();
    this.#port = undefined;
    return Promise.resolve();
  }

  #receive(bytes: Buffer, from: HostPort, events: TransportEvents): void {
    const flow = this.#flows.get(from.host, from.port);
    if (isStun(bytes)) {
      const answer = stunAnswer(bytes, flow.remote);
      if (answer !== undefined) this.send(answer, flow);
      return;
    }
    const skip = leadingLineEnds(bytes);
    if (skip < bytes.length) events.onMessage(skip === 0 ? bytes : bytes.subarray(skip), flow);
    else if (bytes.equals(PING)) this.send(PONG, flow);
  }
}

const MEMORY_FLOWS = 65_536;
