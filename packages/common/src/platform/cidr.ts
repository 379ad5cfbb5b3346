// Networks as CIDR blocks, and the two lists that use them: whom a node trusts, what it calls itself.
import { type IpAddress, parseIp } from "./ip-address.ts";

/** A network of one address family (RFC 4632, RFC 4291 §2.3). */
export interface Cidr {
  /** As it was written. */
  readonly text: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** A peer known by address, by address and port, or by its certificate. */
export interface TrustedPeer {
  /** Undefined: known by `tlsName` alone. */
  readonly network?: Cidr | undefined;
  /** Undefined: any port. */
  readonly port?: number | undefined;
  /** A name of its certificate, lower case. */
  readonly tlsName?: string | undefined;
}

/** What peers in a network are told to use to reach us. */
export interface Advertised {
  readonly forPeers: Cidr;
  readonly host: string;
  /** Undefined: the port we listen on. */
  readonly port: number | undefined;
}

/** `192.0.2.0/24`, `2001:db8::/32`, or one address. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = "", slash, length] = /^([^/]+)(\/(\d{1,3}))?$/.exec(text) ?? [];
  const mapped = /^\[?::ffff:.*\./i.test(address);
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const bits = ip.length * 8;
  const prefixLength = slash === undefined ? bits : Number(length) - (mapped ? 96 : 0);
  if (prefixLength < 0 || prefixLength > bits) return undefined;
  return { text, address: ip, prefixLength };
}

/** Whether `host` (an address; a name never matches) lies in the network. */
export function cidrContains(network: Cidr, host: string): boolean {
  const ip = parseIp(host);
  return ip !== undefined && contains(network, ip);
}

function contains(network: Cidr, ip: IpAddress): boolean {
  if (ip.length !== network.address.length) return false;
  const octets = network.prefixLength >> 3;
  for (let at = 0; at < octets; at++) if (ip[at] !== network.address[at]) return false;
  const bits = network.prefixLength & 7;
  if (bits === 0) return true;
  return ((ip[octets] ?? 0) ^ (network.address[octets] ?? 0)) >> (8 - bits) === 0;
}

/** `ADDRESS-OR-CIDR[:PORT]`, IPv6 with a port in brackets: `[2001:db8::1]:4060`; or `tls:NAME`. */
export function parseTrustedPeer(text: string): TrustedPeer | undefined {
  if (/^tls:/i.test(text)) {
    const tlsName = text.slice("tls:".length).toLowerCase();
    return isHost(tlsName) ? { tlsName } : undefined;
  }
  const { host, port, rest } = splitPort(text);
  if (rest) return undefined;
  const network = parseCidr(host);
  return network && { network, port };
}

/**
 * The first trusted peer that covers this source, or undefined.
 * @param tlsNames names of the certificate that its connection has proved
 */
export function trustedPeerOf<P extends TrustedPeer>(
  peers: readonly P[],
  host: string,
  port: number,
  tlsNames: readonly string[] = NO_NAMES,
): P | undefined {
  const ip = parseIp(host);
  for (const peer of peers) if (covers(peer, ip, port, tlsNames)) return peer;
  return undefined;
}

const NO_NAMES: readonly string[] = [];

function covers(
  { tlsName, network, port: only }: TrustedPeer,
  ip: IpAddress | undefined,
  port: number,
  tlsNames: readonly string[],
): boolean {
  if (tlsName !== undefined) return tlsNames.includes(tlsName);
  if (ip === undefined || network === undefined) return false;
  return (only === undefined || only === port) && contains(network, ip);
}

/** `HOST[:PORT]` for every peer, or `CIDR=HOST[:PORT]`: one entry per address family it is for. */
export function parseAdvertised(text: string): readonly Advertised[] | undefined {
  const equals = text.indexOf("=");
  const networks = equals < 0 ? EVERYONE : [text.slice(0, equals)];
  const { host, port, rest } = splitPort(text.slice(equals + 1));
  if (rest || !isHost(host)) return undefined;
  const found: Advertised[] = [];
  for (const network of networks) {
    const forPeers = parseCidr(network);
    if (forPeers === undefined) return undefined;
    found.push({ forPeers, host, port });
  }
  return found;
}
const EVERYONE: readonly string[] = ["0.0.0.0/0", "::/0"];

/** An IP address (IPv6 without brackets) or a host name (RFC 1123 §2.1). */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text) || text.includes(":")) {
    return !/[[\]]/.test(text) && parseIp(text) !== undefined;
  }
  return text.length <= 253 && text.split(".").every((label) => HOST_LABEL.test(label));
}
const HOST_LABEL = /^[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?$/i;

/** `2001:db8::1:5060` is an address, and most likely meant as one with a port: brackets say which. */
function mayHavePort(text: string): boolean {
  const [, before, digits] = /^(.+):([1-9]\d{3,4})$/.exec(text) ?? [];
  return before !== undefined && Number(digits) <= 65_535 && parseIp(before) !== undefined;
}

/** Splits `host:port`, `[v6]:port`, `net/len:port`, `[v6]/len:port`; a bare IPv6 address has no port. */
function splitPort(text: string): { host: string; port: number | undefined; rest: boolean } {
  const [, v6, inner = "", outer = "", v4 = "", digits] =
    /^(?:(\[([^\]]+)\](\/\d+)?)|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = v6 === undefined ? v4 : inner + outer;
  if (host === "")
    return { host: text, port: undefined, rest: text.includes("[") || mayHavePort(text) };
  const port = digits === undefined ? undefined : Number(digits);
  return { host, port, rest: port !== undefined && port > 65_535 };
}
