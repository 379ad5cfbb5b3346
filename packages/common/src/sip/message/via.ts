// Via: where responses go. RFC 3261 §20.42, RFC 3581.
import { PARAMS, Params } from "./params.ts";
import { parseNumber, skipSpace, tokenEnd, trimLws } from "./scan.ts";
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

const HOST = "[A-Za-z0-9\\-._]+";
const PORT = "\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5]";
/** What nearly every peer sends, in one go. */
const PLAIN = new RegExp(`^SIP/2\\.0/([A-Z]+) (${HOST})(?::(${PORT}))?(${PARAMS})$`);

export function parseVia(text: string): Via | undefined {
  const plain = PLAIN.exec(text);
  return plain === null ? parseAnyVia(text) : plainVia(plain);
}

function plainVia([, transport = "", host = "", port, rest = ""]: RegExpExecArray):
  | Via
  | undefined {
  const params = Params.fromChecked(rest);
  const rport = rportOf(params);
  if (rport === null) return undefined;
  return new PlainVia(
    transport,
    host,
    port === undefined ? undefined : Number(port),
    params,
    rport,
  );
}

/** Most Vias are asked for one or two of these only. */
class PlainVia implements Via {
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  readonly rport: number | "" | undefined;

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
    return this.params.get("branch");
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
    const end = tokenEnd(text, at);
    if (text.slice(at, end).toLowerCase() !== word) return undefined;
    const slash = skipSpace(text, end);
    if (text.charAt(slash) !== "/") return undefined;
    at = skipSpace(text, slash + 1);
  }
  const end = tokenEnd(text, at);
  return end === at ? undefined : { name: text.slice(at, end).toUpperCase(), end };
}
