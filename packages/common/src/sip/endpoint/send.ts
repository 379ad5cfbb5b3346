// Sending requests: address, transport, Via. RFC 3261 §18.1.1, RFC 3581, RFC 3263.
import { isIp, isLoopback } from "../../platform/ip-address.ts";
import { type LocatedServer, locate } from "../dns/locate.ts";
import { type Resolver, systemResolver } from "../dns/resolver.ts";
import { encode } from "../message/encode.ts";
import type { SipMessage, SipRequest } from "../message/message.ts";
import { BRANCH_COOKIE } from "../message/via.ts";
import type { OutgoingRequest, RunningClient } from "../transaction/client.ts";
import type { TransactionLayer } from "../transaction/layer.ts";
import type {
  ClientTransaction,
  Destination,
  NamedDestination,
  RequestFailure,
  RequestOptions,
  ResponseHandlers,
} from "../transaction/user.ts";
import {
  type Flow,
  formatHostPort,
  isSecure,
  type Remote,
  type SendFailure,
  type TransportName,
} from "../transport/transport.ts";
import type { EndpointAddresses } from "./addresses.ts";
import { TargetFailover } from "./failover.ts";
import { statusClass } from "./metrics.ts";
import type { NextHopLog } from "./next-hop-log.ts";
import type { EndpointOptions } from "./options.ts";
import { TargetBlocklist } from "./target-blocklist.ts";
import type { EndpointWire } from "./wire.ts";

/** Where to send, at a literal address. */
interface Address extends Remote {
  readonly transport?: TransportName;
}

/** A target of a name that failed is tried last for so long (RFC 3263 §4.3). */
const UNAVAILABLE_MS = 30_000;

/** RFC 3261 §8.1.1.7: 128 random bits, so that nobody can guess a branch and answer in our name. */
const BRANCH_OCTETS = 16;

export class EndpointSender {
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #addresses: EndpointAddresses;
  readonly #layer: TransactionLayer;
  readonly #nextHops: NextHopLog;
  readonly #resolver: Resolver;
  readonly #refusing: TargetBlocklist;
  readonly #unavailable: TargetBlocklist;
  readonly #mtu: number;
  readonly #maxMessageBytes: number;
  #lastLiteral = "";

  constructor(
    options: EndpointOptions,
    wire: EndpointWire,
    addresses: EndpointAddresses,
    layer: TransactionLayer,
    nextHops: NextHopLog,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#addresses = addresses;
    this.#layer = layer;
    this.#nextHops = nextHops;
    this.#resolver = options.resolver ?? systemResolver(options.clock);
    this.#refusing = new TargetBlocklist(options.clock);
    this.#unavailable = new TargetBlocklist(options.clock, UNAVAILABLE_MS);
    this.#mtu = options.udpMtuBytes ?? 1300;
    this.#maxMessageBytes = options.maxMessageBytes ?? 65_535;
  }

  request(
    request: SipRequest,
    to: Destination,
    handlers: ResponseHandlers,
    options: RequestOptions = {},
  ): ClientTransaction {
    this.#wire.count("request-out", request.method);
    if (!("flow" in to) && !this.#isLiteral(to.host))
      return this.#requestByName(request, to, handlers, options);
    const branch = this.#newBranch(options);
    const client = this.#layer.newClient(request.method, branch, handlers);
    if ("flow" in to) this.#launch(client, this.#outgoing(request, branch, to.flow));
    else this.#start(client, request, to);
    return client;
  }

  sendStateless(message: SipMessage, to: Destination): void {
    if ("flow" in to) this.#sendOver(message, to.flow);
    else if (this.#isLiteral(to.host)) this.#sendTo(message, to);
    else {
      this.#located(to, ([target]) => {
        if (target === undefined) this.#wire.count("dropped", "unresolved");
        else this.#sendTo(message, { ...target, domain: to.host });
      });
    }
  }

  #requestByName(
    request: SipRequest,
    to: NamedDestination,
    handlers: ResponseHandlers,
    options: RequestOptions,
  ): ClientTransaction {
    const { method } = request;
    const named = new TargetFailover(
      {
        newClient: (each) => this.#layer.newClient(method, this.#newBranch(options), each),
        start: (client, target) => this.#start(client, request, { ...target, domain: to.host }),
        noteUnavailable: (target, why) => this.#noteUnavailable(to.host, target, why),
      },
      handlers,
    );
    this.#located(to, (targets) => named.located(targets));
    return named;
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
        ? encode(message.withOwnLength())
        : this.#outgoing(message, this.#newBranch({}), flow).bytes;
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
    const outgoing = this.#outgoing(request, client.branch, flow);
    const fits = transport !== "udp" || this.#fitsDatagram(outgoing.bytes.length, to.host);
    if (!fits) this.#startLarge(client, request, to, outgoing);
    else this.#launch(client, outgoing);
  }

  /** A peer ends a connection for a message that is too large, and with it what others have sent over it. */
  #launch(
    client: RunningClient,
    outgoing: OutgoingRequest,
    fallback?: Parameters<RunningClient["start"]>[1],
  ): void {
    if (outgoing.bytes.length > this.#maxMessageBytes) client.failToStart("too-large");
    else client.start(outgoing, fallback);
  }

  /** RFC 3261 §18.1.1: the limit is for paths of unknown MTU; loopback's is known to be enough. */
  #fitsDatagram(length: number, host: string): boolean {
    return this.#mtu === 0 || length <= this.#mtu || isLoopback(host);
  }

  /** RFC 3261 §18.1.1: too large for a datagram, so TCP, unless the peer is known to refuse it. */
  #startLarge(
    client: RunningClient,
    request: SipRequest,
    to: Address,
    overUdp: OutgoingRequest,
  ): void {
    if (this.#wire.transport("tcp") === undefined || this.#refusing.has(to)) {
      this.#wire.count("size-switch", "remembered");
      this.#launch(client, overUdp);
      return;
    }
    const flow = this.#flowTo(to, "tcp") ?? overUdp.flow;
    this.#wire.count("size-switch", "tcp");
    this.#launch(client, this.#outgoing(request, client.branch, flow), (why) => {
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

  #outgoing(request: SipRequest, branch: string, flow: Flow): OutgoingRequest {
    const { transport: kind, remote } = flow;
    const sentBy = formatHostPort(this.#addresses.advertised(remote, kind));
    const transport = VIA_NAME[kind];
    const via = `SIP/2.0/${transport} ${sentBy};branch=${branch};rport`;
    return {
      callId: request.callId,
      // Its ACK and its CANCEL are made from it; no other request is asked for again.
      invite: request.method === "INVITE" ? request.clone().push("Via", via) : undefined,
      // Written above its lines: no copy of the request has to be made for each way it goes.
      bytes: encode(request.withOwnLength(), `Via: ${via}\r\n`),
      flow,
    };
  }

  #flowTo({ host, port, domain }: Remote, transport: TransportName): Flow | undefined {
    const certified = isSecure(transport) && domain !== undefined;
    return this.#wire.transport(transport)?.flowTo({ host, port, ...(certified && { domain }) });
  }

  #defaultTransport(): TransportName {
    if (this.#wire.transport("udp") !== undefined) return "udp";
    return this.#options.transports[0]?.name ?? "tcp";
  }

  #newBranch({ branchTail }: RequestOptions): string {
    const branch = `${BRANCH_COOKIE}${this.#options.random.hex(BRANCH_OCTETS)}`;
    return branchTail === undefined ? branch : `${branch}.${branchTail}`;
  }

  /** RFC 3263 §4; none when the name leads nowhere, which is logged. */
  #located(to: NamedDestination, found: (targets: readonly LocatedServer[]) => void): void {
    const { random } = this.#options;
    const notFound = (why: string): void => {
      this.#nextHops.unresolved(to, why);
      found([]);
    };
    const reaches = (transport: TransportName, address?: string): boolean =>
      this.#reaches(transport, address);
    locate(to, { resolver: this.#resolver, random, reaches }).then(
      (all) => {
        const targets = to.only === undefined ? all : all.filter(to.only);
        if (targets.length > 0) found(this.#availableFirst(targets));
        else notFound(all.length > 0 ? "no address of a peer we know" : "no address");
      },
      (error: unknown) => notFound(String(error)),
    );
  }

  #availableFirst(targets: readonly LocatedServer[]): readonly LocatedServer[] {
    if (targets.length === 1) return targets;
    const unavailable = targets.filter((target) => this.#unavailable.has(target));
    return [...targets.filter((target) => !unavailable.includes(target)), ...unavailable];
  }

  #noteUnavailable(host: string, target: LocatedServer, why: RequestFailure | "503"): void {
    if (!this.#unavailable.add(target)) return;
    const fields = { endpoint: this.#options.name, host, target: formatHostPort(target), why };
    this.#options.log?.warn("peer.unavailable", fields);
  }

  /** An IPv4 socket reaches no IPv6 address, and the other way round. */
  #reaches(name: TransportName, address: string | undefined): boolean {
    const local = this.#wire.transport(name)?.local.host;
    if (local === undefined) return false;
    if (address === undefined || !isIp(local)) return true;
    return local.includes(":") === address.includes(":");
  }

  #isLiteral(host: string): boolean {
    if (host === this.#lastLiteral) return true; // mostly it is the same next hop again
    if (!isIp(host)) return false;
    this.#lastLiteral = host;
    return true;
  }
}

/** RFC 3261 §18.1.1, §20.42; RFC 7118 §5.2. */
const VIA_NAME: Readonly<Record<TransportName, string>> = {
  udp: "UDP",
  tcp: "TCP",
  tls: "TLS",
  ws: "WS",
  wss: "WSS",
};
