// The port every transport implements: octets in and out, whole messages only. RFC 3261 §18.

export interface HostPort {
  /** A literal address; IPv6 without brackets. (A name to send to works too, at a resolver's cost.) */
  readonly host: string;
  readonly port: number;
}

/** `ws` and `wss`: SIP over WebSocket, plain and within TLS (RFC 7118). */
export type TransportName = "udp" | "tcp" | "tls" | "ws" | "wss";

/** What the TLS peer of a connection has proved. RFC 5922 §7.1. */
export interface TlsPeer {
  /** SIP domains of its certificate, lower case; empty unless the certificate was verified. */
  readonly names: readonly string[];
}

/**
 * The path one peer's messages take (RFC 5626 §3.1): a pair of addresses for UDP, one connection
 * for a stream. Two messages over the same path carry the same object, or, when a datagram flow
 * was forgotten in between, one with the same id.
 */
export interface Flow {
  /** Unique while the process lives; a new connection from the same address has another id. */
  readonly id: string;
  readonly transport: TransportName;
  readonly local: HostPort;
  readonly remote: HostPort;
  /** Only on `tls` and `wss`, once the handshake is over. */
  readonly tls?: TlsPeer | undefined;
}

/** True where nobody on the path can read or write (RFC 3261 §26.3.2.1). */
export function isSecure(transport: TransportName): boolean {
  return transport === "tls" || transport === "wss";
}

/** What a connection to this hop proves: with TLS its certificate must name the host (RFC 5922 §7.3). */
export function provenNames(hop: {
  readonly host: string;
  readonly transport?: TransportName;
}): readonly string[] {
  return hop.transport !== undefined && isSecure(hop.transport) ? [hop.host] : [];
}

/** Where to connect to. */
export interface Remote extends HostPort {
  /** Whom the certificate must name (RFC 5922 §7.3); absent: the address itself. */
  readonly domain?: string | undefined;
}

export type SendFailure =
  | "refused" // nobody listens there: connect refused, ICMP port unreachable, no route
  | "timeout" // no connection within the connect timeout
  | "closed" // the connection is gone
  | "too-large" // does not fit into a datagram, or is more than a peer takes
  | "overloaded"; // too much is waiting to be written, too many connections

export interface TransportEvents {
  /** One whole message (for streams framed by Content-Length, RFC 3261 §18.3); `bytes` may be kept. */
  onMessage(bytes: Buffer, flow: Flow): void;
  /** A stream that was open ended; its flow will carry nothing any more. Once per flow. */
  onClosed(flow: Flow): void;
  /** What the transport itself refused: a stream that cannot be framed, a message over the limit. */
  onRejected(reason: string, flow: Flow): void;
}

export interface Transport {
  readonly name: TransportName;
  /** True when the transport itself repeats what is lost (RFC 3261 §17: no retransmissions then). */
  readonly reliable: boolean;
  /** Where it listens; the port is the real one after `listen` was called with port 0. */
  readonly local: HostPort;
  /** Binds and starts to deliver. Rejects with the system's error (EADDRINUSE …). */
  listen(events: TransportEvents): Promise<void>;
  /** The flow to `remote`: the existing one if there is one (connection reuse), else a new one. */
  flowTo(remote: Remote): Flow;
  /**
   * Sends one whole message; `onFailure` is called at most once, when it is known not to have
   * left, and never before `send` has returned.
   */
  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void;
  /** A keep-alive over a stream (RFC 5626 §4.4.1). `onPong` is called when the peer answers it, once at most. */
  ping?(flow: Flow, onPong: () => void): void;
  /** Ends a stream at once, whatever is under way on it; `onClosed` follows. */
  giveUp?(flow: Flow): void;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Never before the call that failed has returned. */
export function failLater(
  why: SendFailure,
  onFailure: ((why: SendFailure) => void) | undefined,
): void {
  if (onFailure !== undefined) queueMicrotask(() => onFailure(why));
}

/** As logs and histories name a peer: `192.0.2.7:5060/udp`. */
export function peerOf({ remote, transport }: Pick<Flow, "remote" | "transport">): string {
  return `${formatHostPort(remote)}/${transport}`;
}

/** The address alone of what `peerOf` gives. */
export function hostOfPeer(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

/** False for port numbers that no socket takes: a peer's Via or Contact may well name one. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 65_535;
}

/** What one IPv4 datagram carries: 65 535 less 20 octets of IP and 8 of UDP header. */
export const LARGEST_PAYLOAD = 65_507;
