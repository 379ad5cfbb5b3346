// How requests leave an endpoint: address, transport, Via. RFC 3261 §18.1.1, RFC 3581, RFC 3263.
import { isIp, isLoopback } from "../platform/ip-address.ts";
import type { EndpointAddresses } from "./endpoint-addresses.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import type { EndpointWire } from "./endpoint-wire.ts";
import { encode } from "./message/encode.ts";
import type { SipMessage, SipRequest } from "./message/message.ts";
import { BRANCH_COOKIE } from "./message/via.ts";
import { RefusingPeers } from "./refusing-peers.ts";
import { type Resolver, systemResolver } from "./resolver.ts";
import type { Departure, RunningClient } from "./transaction/client.ts";
import type { TransactionLayer } from "./transaction/layer.ts";
import type {
  ClientTransaction,
  Destination,
  RequestOptions,
  ResponseHandlers,
} from "./transaction/user.ts";
import {
  type Flow,
  formatHostPort,
  type HostPort,
  type SendFailure,
  type TransportName,
} from "./transport/transport.ts";

type Address = Exclude<Destination, { readonly flow: Flow }>;

/** RFC 3261 §8.1.1.7: 128 random bits, so that nobody can guess a branch and answer in our name. */
const BRANCH_OCTETS = 16;

export class EndpointSender {
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #addresses: EndpointAddresses;
  readonly #layer: TransactionLayer;
  readonly #resolver: Resolver;
  readonly #refusing: RefusingPeers;
  readonly #mtu: number;
  #lastLiteral = "";

  constructor(
    options: EndpointOptions,
    wire: EndpointWire,
    addresses: EndpointAddresses,
    layer: TransactionLayer,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#addresses = addresses;
    this.#layer = layer;
    this.#resolver = options.resolver ?? systemResolver(options.clock);
    this.#refusing = new RefusingPeers(options.clock);
    this.#mtu = options.udpMtuBytes ?? 1300;
  }

  request(
    request: SipRequest,
    to: Destination,
    handlers: ResponseHandlers,
    options: RequestOptions = {},
  ): ClientTransaction {
    const branch = this.#newBranch(options);
    const client = this.#layer.newClient(request.method, branch, handlers);
    this.#wire.count("request-out", request.method);
    if ("flow" in to) client.start(this.#departure(request, branch, to.flow));
    else {
      this.#whenResolved(
        to,
        (address) => this.#start(client, request, address),
        () => client.failToStart("unresolved"),
      );
    }
    return client;
  }

  sendStateless(message: SipMessage, to: Destination): void {
    if ("flow" in to) this.#sendOver(message, to.flow);
    else {
      const dropped = (): void => this.#wire.count("dropped", "unresolved");
      this.#whenResolved(to, (address) => this.#sendTo(message, address), dropped);
    }
  }

  #sendTo(message: SipMessage, address: Address): void {
    const flow = this.#flowTo(address, address.transport ?? this.#defaultTransport());
    if (flow === undefined) this.#wire.count("dropped", "no-transport");
    else this.#sendOver(message, flow);
  }

  #sendOver(message: SipMessage, flow: Flow): void {
    const { kind } = message;
    const bytes =
      kind === "response"
        ? encode(message)
        : this.#departure(message, this.#newBranch({}), flow).bytes;
    this.#wire.count(`${kind}-out`, kind === "request" ? message.method : statusClass(message));
    this.#wire.send(bytes, flow);
  }

  #start(client: RunningClient, request: SipRequest, to: Address): void {
    const transport = to.transport ?? this.#defaultTransport();
    const flow = this.#flowTo(to, transport);
    if (flow === undefined) {
      client.failToStart("refused");
      return;
    }
    const departure = this.#departure(request, client.branch, flow);
    const fits = transport !== "udp" || this.#fitsDatagram(departure.bytes.length, to.host);
    if (!fits) this.#startLarge(client, request, to, departure);
    else client.start(departure);
  }

  /** RFC 3261 §18.1.1: the limit is for paths of unknown MTU; loopback's is known to be enough. */
  #fitsDatagram(length: number, host: string): boolean {
    return this.#mtu === 0 || length <= this.#mtu || isLoopback(host);
  }

  /** RFC 3261 §18.1.1: too large for a datagram, so TCP, unless the peer is known to refuse it. */
  #startLarge(client: RunningClient, request: SipRequest, to: Address, overUdp: Departure): void {
    if (this.#wire.transport("tcp") === undefined || this.#refusing.has(to)) {
      this.#wire.count("size-switch", "remembered");
      client.start(overUdp);
      return;
    }
    const flow = this.#flowTo(to, "tcp") ?? overUdp.flow;
    this.#wire.count("size-switch", "tcp");
    client.start(this.#departure(request, client.branch, flow), (why) => {
      this.#noteRefusal(to, why);
      return overUdp;
    });
  }

  #noteRefusal(to: Address, why: SendFailure): void {
    this.#wire.count("size-switch", "fallback");
    if (why !== "refused" && why !== "timeout") return; // says nothing about the peer
    if (this.#refusing.add(to)) {
      const fields = { endpoint: this.#options.name, peer: formatHostPort(to), why };
      this.#options.log?.warn("peer.refuses-tcp", fields);
    }
  }

  #departure(request: SipRequest, branch: string, flow: Flow): Departure {
    const sentBy = formatHostPort(this.#addresses.advertised(flow.remote));
    const transport = flow.transport === "udp" ? "UDP" : "TCP";
    const own = request
      .clone()
      .push("Via", `SIP/2.0/${transport} ${sentBy};branch=${branch};rport`);
    return { request: own, bytes: encode(own), flow };
  }

  #flowTo(to: HostPort, transport: TransportName): Flow | undefined {
    return this.#wire.transport(transport)?.flowTo({ host: to.host, port: to.port });
  }

  #defaultTransport(): TransportName {
    return this.#wire.transport("udp") === undefined ? "tcp" : "udp";
  }

  #newBranch({ branchTail }: RequestOptions): string {
    const branch = `${BRANCH_COOKIE}${this.#options.random.hex(BRANCH_OCTETS)}`;
    return branchTail === undefined ? branch : `${branch}.${branchTail}`;
  }

  /** Literal addresses go on at once, names when the resolver has answered. */
  #whenResolved(to: Address, found: (address: Address) => void, failed: () => void): void {
    if (this.#isLiteral(to.host)) {
      found(to);
      return;
    }
    const notFound = (why: string): void => {
      const fields = { endpoint: this.#options.name, host: to.host, why };
      this.#options.log?.warn("peer.unresolved", fields);
      failed();
    };
    this.#resolver.resolve(to.host).then(
      ([host]) => (host === undefined ? notFound("no address") : found({ ...to, host })),
      (error: unknown) => notFound(String(error)),
    );
  }

  #isLiteral(host: string): boolean {
    if (host === this.#lastLiteral) return true; // mostly it is the same next hop again
    if (!isIp(host)) return false;
    this.#lastLiteral = host;
    return true;
  }
}

/** `2xx` for 200: few labels, whatever peers send. */
export function statusClass({ status }: { readonly status: number }): string {
  return `${Math.floor(status / 100)}xx`;
}
