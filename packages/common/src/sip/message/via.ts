// Via: where responses go. RFC 3261 §20.42, RFC 3581.
import { areParams, Params } from "./params.ts";
import { DIGIT, HOST, parseNumber, runEnd, skipSpace, TOKEN, trimLws } from "./scan.ts";
import { parseHostPort } from "./uri.ts";

export interface Via {
  /** Upper case: UDP, TCP, TLS, SCTP or anything else. */
  readonly transport: string;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly params: Params;
  readonly branch?: string | undefined;
  readonly received?: string | undefined;
  /** "" when asked for without value (RFC 3581 §3), the source port when filled in. */
  readonly rport?: number | "" | undefined;
}

export const BRANCH_COOKIE = "z9hG4bK";

const SPACE = 32;
const COLON = 58;
const MAX_PORT = 65_535;
const MOST_PORT_DIGITS = 5;
const PROTOCOL = "SIP/2.0/";

/** `text[from, to)`; undefined when malformed. */
export function parseVia(text: string, from = 0, to: number = text.length): Via | undefined {
  return parsePlainVia(text, from, to) ?? parseAnyVia(text.slice(from, to));
}

/** What nearly every peer sends: one space, a name or an IPv4 address. Undefined for anything else. */
function parsePlainVia(text: string, from: number, to: number): Via | undefined {
  const transportAt = from + PROTOCOL.length;
  if (!text.startsWith(PROTOCOL, from)) return undefined;
  const transportEnd = upperCaseEnd(text, transportAt, to);
  const hostAt = transportEnd + 1;
  if (transportEnd === transportAt || text.charCodeAt(transportEnd) !== SPACE) return undefined;
  const hostEnd = runEnd(text, hostAt, to, HOST);
  if (hostEnd <= hostAt) return undefined;
  const hasPort = hostEnd < to && text.charCodeAt(hostEnd) === COLON;
  const portEnd = hasPort ? runEnd(text, hostEnd + 1, to, DIGIT) : hostEnd;
  if (portEnd - hostEnd - 1 > MOST_PORT_DIGITS) return undefined;
  const port = hasPort ? parseNumber(text, MAX_PORT, hostEnd + 1, portEnd) : undefined;
  if ((hasPort && port === undefined) || !areParams(text, portEnd, to)) return undefined;
  const params = Params.fromChecked(text, portEnd, to);
  const rport = rportOf(params);
  if (rport === null) return undefined;
  const transport = text.slice(transportAt, transportEnd);
  return new PlainVia(transport, text.slice(hostAt, hostEnd), port, params, rport);
}

function upperCaseEnd(text: string, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < 65 || code > 90) break;
  }
  return at;
}

/** Most Vias are asked for one or two of these only. */
class PlainVia implements Via {
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  readonly rport: number | "" | undefined;
  #branch: string | undefined;

  constructor(
    transport: string,
    host: string,
    port: number | undefined,
    params: Params,
    rport: number | "" | undefined,
  ) {
    this.transport = transport;
    this.host = host.toLowerCase();
    this.port = port;
    this.params = params;
    this.rport = rport;
  }

  get branch(): string | undefined {
    this.#branch ??= this.params.get("branch");
    return this.#branch;
  }

  get received(): string | undefined {
    return receivedOf(this.params);
  }
}

/** Null when malformed, "" without a value. */
function rportOf(params: Params): number | "" | undefined | null {
  const text = params.get("rport");
  return text ? (parseNumber(text, 65535) ?? null) : text === "" ? "" : undefined;
}

function receivedOf(params: Params): string | undefined {
  return params.get("received")?.replace(/^\[|\]$/g, "");
}

function parseAnyVia(text: string): Via | undefined {
  const protocol = sentProtocol(text);
  if (protocol === undefined) return undefined;
  const placeAt = skipSpace(text, protocol.end);
  if (placeAt === protocol.end) return undefined;
  const semicolon = text.indexOf(";", placeAt);
  const placeEnd = semicolon < 0 ? text.length : semicolon;
  const place = parseHostPort(withoutSpace(text.slice(placeAt, placeEnd)));
  const params = Params.parse(text, placeEnd);
  if (place === undefined || params === undefined) return undefined;
  const rport = rportOf(params);
  if (rport === null) return undefined;
  return {
    transport: protocol.name,
    host: place.host,
    port: place.port,
    params,
    branch: params.get("branch"),
    received: receivedOf(params),
    rport,
  };
}

/** White space may stand around the colon of `host : port` (RFC 3261 §25.1, COLON). */
function withoutSpace(place: string): string {
  if (!place.includes(" ") && !place.includes("\t")) return place;
  const parts = place.split(":");
  return parts.map(trimLws).join(":");
}

/** `SIP / 2.0 / transport`, white space allowed around the slashes. */
function sentProtocol(text: string): { name: string; end: number } | undefined {
  let at = skipSpace(text, 0);
  for (const word of ["sip", "2.0"]) {
    const end = runEnd(text, at, text.length, TOKEN);
    if (text.slice(at, end).toLowerCase() !== word) return undefined;
    const slash = skipSpace(text, end);
    if (text.charAt(slash) !== "/") return undefined;
    at = skipSpace(text, slash + 1);
  }
  const end = runEnd(text, at, text.length, TOKEN);
  return end === at ? undefined : { name: text.slice(at, end).toUpperCase(), end };
}
