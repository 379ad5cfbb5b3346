// Via: where responses go. RFC 3261 §20.42, RFC 3581.
import { Params } from "./params.ts";
import { DIGIT, HOST, lowerCase, parseNumber, runEnd, skipSpace, TOKEN, trimLws } from "./scan.ts";
import { parseHostPort } from "./uri.ts";

export interface ViaValue {
  /** Upper case: UDP, TCP, TLS, SCTP or anything else. */
  readonly transport: string;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly params: Params;
  readonly branch?: string | undefined;
  /** Two readers of it may take two of them for its transaction's (RFC 3261 §7.3.1). */
  readonly hasTwoBranches: boolean;
  readonly received?: string | undefined;
  /** "" when asked for without value (RFC 3581 §3), the source port when filled in. */
  readonly rport?: number | "" | undefined;
}

export const BRANCH_COOKIE = "z9hG4bK";

const COLON = 58;
const MAX_PORT = 65_535;
const PROTOCOL = "SIP/2.0/";
const END_OF_PARAM = "(?=[;\\r]|$)";
const OTHERS = `(?:;(?:rport(?:=[1-5]?\\d{1,4})?${END_OF_PARAM}|(?![rR][pP]|[bB][rR])[\\w\\-.]+(?:=[\\w\\-.:]+)?))*`;
/**
 * What nearly every peer sends: one space, a name or an IPv4 address, one branch, and an rport that is none or a small
 * number. In two parts: where the first ends the branch begins.
 */
const BEFORE_BRANCH = new RegExp(
  `SIP/2\\.0/[A-Z]+ [A-Za-z0-9\\-._]+(?::\\d{1,4})?${OTHERS};branch=`,
  "y",
);
const BRANCH_AND_REST = new RegExp(`[\\w\\-.:]+${OTHERS}`, "y");

/** `text[from, to)`; undefined when malformed. */
export function parseVia(text: string, from = 0, to: number = text.length): ViaValue | undefined {
  BEFORE_BRANCH.lastIndex = from;
  if (BEFORE_BRANCH.test(text)) {
    const branchAt = BEFORE_BRANCH.lastIndex;
    BRANCH_AND_REST.lastIndex = branchAt;
    if (BRANCH_AND_REST.test(text) && BRANCH_AND_REST.lastIndex === to)
      return new PlainVia(text, from, branchAt, to);
  }
  return parseAnyVia(text.slice(from, to));
}

/** Checked already; most Vias are asked for one or two of these only. */
class PlainVia implements ViaValue {
  readonly #text: string;
  readonly #from: number;
  readonly #branchAt: number;
  readonly #to: number;
  readonly hasTwoBranches = false;
  #params: Params | undefined;
  #branch: string | undefined;
  /** Null until somebody asks. */
  #rport: number | "" | undefined | null = null;

  constructor(text: string, from: number, branchAt: number, to: number) {
    this.#text = text;
    this.#from = from;
    this.#branchAt = branchAt;
    this.#to = to;
  }

  get transport(): string {
    return this.#text.slice(this.#from + PROTOCOL.length, this.#hostAt() - 1);
  }

  get host(): string {
    const hostAt = this.#hostAt();
    return lowerCase(this.#text.slice(hostAt, runEnd(this.#text, hostAt, this.#to, HOST)));
  }

  get port(): number | undefined {
    const hostEnd = runEnd(this.#text, this.#hostAt(), this.#to, HOST);
    if (hostEnd === this.#to || this.#text.charCodeAt(hostEnd) !== COLON) return undefined;
    const portEnd = runEnd(this.#text, hostEnd + 1, this.#to, DIGIT);
    return parseNumber(this.#text, MAX_PORT, hostEnd + 1, portEnd);
  }

  get params(): Params {
    if (this.#params === undefined) {
      const at = this.#text.indexOf(";", this.#from);
      this.#params = Params.withoutQuotes(this.#text, at, this.#to);
    }
    return this.#params;
  }

  get branch(): string {
    if (this.#branch === undefined) {
      const end = this.#text.indexOf(";", this.#branchAt);
      this.#branch = this.#text.slice(this.#branchAt, end < 0 || end > this.#to ? this.#to : end);
    }
    return this.#branch;
  }

  get received(): string | undefined {
    return receivedOf(this.params);
  }

  get rport(): number | "" | undefined {
    if (this.#rport === null) this.#rport = rportOf(this.params) ?? undefined;
    return this.#rport;
  }

  #hostAt(): number {
    return this.#text.indexOf(" ", this.#from) + 1;
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

function parseAnyVia(text: string): ViaValue | undefined {
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
    hasTwoBranches: params.isDouble("branch"),
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
