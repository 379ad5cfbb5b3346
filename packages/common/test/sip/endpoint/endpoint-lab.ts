// Two or more endpoints on a simulated network, and peers that speak in plain text.

import {
  createEndpoint,
  type Endpoint,
  type Incoming,
  type ResponseHandlers,
} from "../../../src/sip/endpoint/endpoint.ts";
import type { EndpointEvent, EndpointOptions } from "../../../src/sip/endpoint/options.ts";
import { decode } from "../../../src/sip/message/decode.ts";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "../../../src/sip/message/message.ts";
import { memoryTransport } from "../../../src/sip/transport/memory.ts";
import type { TransportName } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { type MemoryLogger, memoryLogger } from "../../../src/testing/memory-logger.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { SimulatedNetwork } from "../../../src/testing/simulated-network.ts";

export const LATENCY = 5;

export interface LabEndpoint extends Endpoint {
  readonly received: Incoming[];
  readonly log: MemoryLogger;
  counted(event: EndpointEvent, label: string): number;
}

export class EndpointLab {
  readonly clock: FakeClock = new FakeClock();
  readonly network: SimulatedNetwork = new SimulatedNetwork({
    clock: this.clock,
    latencyMs: LATENCY,
  });
  #seed = 1;

  async endpoint(
    host: string,
    options: Partial<EndpointOptions> & { kinds?: readonly TransportName[] } = {},
    handler?: (incoming: Incoming) => void,
  ): Promise<LabEndpoint> {
    const { kinds = ["udp", "tcp"], ...rest } = options;
    const received: Incoming[] = [];
    const counts: string[] = [];
    const log = memoryLogger();
    const endpoint = createEndpoint({
      name: host,
      transports: kinds.map((kind) => memoryTransport(this.network, { host, port: 5060 }, kind)),
      clock: this.clock,
      random: seededRandom(this.#seed++),
      counters: { count: (event, label) => void counts.push(`${event} ${label}`) },
      log,
      ...rest,
    });
    await endpoint.listen((incoming) => {
      received.push(incoming);
      handler?.(incoming);
    });
    const counted = (event: EndpointEvent, label: string): number =>
      counts.filter((entry) => entry === `${event} ${label}`).length;
    return Object.assign(endpoint, { received, log, counted });
  }

  /** A peer that is no endpoint: sends text, keeps what comes. */
  async peer(host: string, port = 5060, kind: TransportName = "udp"): Promise<PlainPeer> {
    const transport = memoryTransport(this.network, { host, port }, kind);
    const inbox: SipMessage[] = [];
    const raw: string[] = [];
    await transport.listen({
      onMessage: (bytes) => {
        const { message } = decode(bytes);
        if (message !== undefined) inbox.push(message);
        raw.push(bytes.toString("latin1"));
      },
      onClosed: () => undefined,
      onRejected: () => undefined,
    });
    return {
      inbox,
      raw,
      send: (text, to) => {
        const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
        transport.send(bytes, transport.flowTo({ host: to, port: 5060 }));
        this.clock.advance(2 * LATENCY + 1);
      },
    };
  }
}

export interface PlainPeer {
  readonly inbox: SipMessage[];
  /** Everything that came, whether it can be decoded or not. */
  readonly raw: string[];
  /** Sends to port 5060 there and lets answers arrive. */
  send(text: string | Buffer, to: string): void;
}

/** A request without Via, as a user of an endpoint makes it. */
export function request(method = "OPTIONS", extra: [string, string][] = []): SipRequest {
  return newRequest(method, "sip:bob@10.0.0.2", [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@example.com>;tag=f1"],
    ["To", "<sip:bob@example.com>"],
    ["Call-ID", `${method}@10.0.0.1`],
    ["CSeq", `1 ${method}`],
    ...extra,
  ]);
}

/** A whole request as text, with its Via. */
export function plain(via: string, method = "OPTIONS", more: readonly string[] = []): string {
  return [
    `${method} sip:bob@10.0.0.2 SIP/2.0`,
    `Via: SIP/2.0/${via}`,
    "Max-Forwards: 70",
    "From: <sip:alice@example.com>;tag=f1",
    "To: <sip:bob@example.com>",
    "Call-ID: c1",
    `CSeq: 1 ${method}`,
    ...more,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

export interface Outcome extends ResponseHandlers {
  /** Status codes and failures in order. */
  readonly seen: (number | string)[];
  readonly responses: SipResponse[];
}

export function outcome(): Outcome {
  const seen: (number | string)[] = [];
  const responses: SipResponse[] = [];
  return {
    seen,
    responses,
    onResponse: (response) => {
      seen.push(response.status);
      responses.push(response);
    },
    onFailure: (why) => seen.push(why),
  };
}

/** The handler that answers everything 200. */
export function ok(incoming: Incoming): void {
  incoming.respond(newResponse(incoming.request, 200));
}
