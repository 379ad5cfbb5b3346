// SIP, SIPS and tel URIs, and any other scheme as opaque text. RFC 3261 §19.1, RFC 3966.
import { parseIp } from "../../platform/ip-address.ts";
import { Params } from "./params.ts";
import {
  DIGIT,
  HEX,
  HOST,
  IPV6,
  isHostName,
  isIn,
  isIpv6,
  isRun,
  lowerCase,
  PARAM_NAME,
  parseNumber,
  runEnd,
  URI_HEADERS,
  URI_VALUE,
  USER,
  unescapeUri,
  VISIBLE,
} from "./scan.ts";

export interface SipUri {
  readonly scheme: "sip" | "sips";
  /** As received, escapes included. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly params: Params;
  /** What stands behind the question mark. */
  readonly headers?: string | undefined;
}

export interface TelUri {
  readonly scheme: "tel";
  /** With its visual separators. */
  readonly number: string;
  readonly params: Params;
}

export interface OtherUri {
  readonly scheme: "other";
  /** The whole URI as received. */
  readonly text: string;
}

export type Uri = SipUri | TelUri | OtherUri;

/** `text[from, to)`; undefined for what no URI grammar allows. An unknown scheme is an `OtherUri`. */
export function parseUri(text: string, from = 0, to: number = text.length): Uri | undefined {
  if (text.startsWith("sip:", from)) return parseSip("sip", text, from + 4, to);
  const colon = text.indexOf(":", from);
  if (colon <= from || colon >= to) return undefined;
  const scheme = text.slice(from, colon).toLowerCase();
  if (scheme === "sip" || scheme === "sips") return parseSip(scheme, text, colon + 1, to);
  if (scheme === "tel") return parseTel(text.slice(colon + 1, to));
  const whole = text.slice(from, to);
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || !isRun(whole, VISIBLE)) return undefined;
  return { scheme: "other", text: whole };
}

/** What nearly every peer sends, as the source of an expression: a part of what `parseUri` takes. */
export const PLAIN_SIP_URI: string = plainSipUri("(?:[\\w\\-.!~*'()&=+$,/]+@)?[A-Za-z0-9\\-._]+");

/** The same: a host is looked for first, as most Request-URIs of a REGISTER have no user. */
const PLAIN = new RegExp(
  plainSipUri(
    "(?:[A-Za-z0-9\\-._]+(?![\\w\\-.!~*'()&=+$,/@])|[\\w\\-.!~*'()&=+$,/]+@[A-Za-z0-9\\-._]+)",
  ),
  "y",
);

function plainSipUri(place: string): string {
  return `sip:${place}(?::\\d{1,4})?(?:;[\\w\\-.+]+(?:=[\\w\\-.!%*+/:@]+)?)*`;
}

/** True for `text[from, to)` as nearly every peer writes a SIP URI; it has no headers then. */
export function isPlainSipUri(text: string, from = 0, to: number = text.length): boolean {
  PLAIN.lastIndex = from;
  return PLAIN.test(text) && PLAIN.lastIndex === to;
}

/** True where `parseUri` finds one. */
export function isUri(text: string, from: number, to: number): boolean {
  return isPlainSipUri(text, from, to) || parseUri(text, from, to) !== undefined;
}

export function isSip(uri: Uri | undefined): uri is SipUri {
  return uri !== undefined && (uri.scheme === "sip" || uri.scheme === "sips");
}

const PERCENT = 37;
const COLON = 58;
const SEMICOLON = 59;
const EQUALS = 61;
const QUESTION = 63;
const AT = 64;
const OPENING = 91;
const CLOSING = 93;
const MOST_PORT_DIGITS = 5;
const MAX_PORT = 65_535;

/** Where the parts lie of the SIP URI that was looked at last; a part that is not there is -1 long or at -1. */
const parts = {
  userEnd: -1,
  passwordEnd: -1,
  hostAt: 0,
  hostEnd: 0,
  isIpv6: false,
  port: -1,
  paramsAt: 0,
  paramsEnd: 0,
  hasHeaders: false,
};

/** `text[at, to)` behind the scheme's colon. Whether brackets hold an IPv6 address is left to be asked. */
function scanSip(text: string, at: number, to: number): boolean {
  const userEnd = userRunEnd(text, at, to);
  const hasPassword = userEnd < to && text.charCodeAt(userEnd) === COLON;
  const passwordEnd = hasPassword ? userRunEnd(text, userEnd + 1, to) : userEnd;
  if (userEnd > at && passwordEnd < to && text.charCodeAt(passwordEnd) === AT) {
    parts.userEnd = userEnd;
    parts.passwordEnd = hasPassword ? passwordEnd : -1;
    if (scanPlace(text, passwordEnd + 1, to)) return true;
  }
  // The sign may stand in a parameter.
  parts.userEnd = -1;
  parts.passwordEnd = -1;
  return scanPlace(text, at, to);
}

/** Of user or password: their characters and whole escapes. */
function userRunEnd(text: string, from: number, to: number): number {
  let at = runEnd(text, from, to, USER);
  while (at + 2 < to && text.charCodeAt(at) === PERCENT) {
    if (!isIn(text.charCodeAt(at + 1), HEX) || !isIn(text.charCodeAt(at + 2), HEX)) return at;
    at = runEnd(text, at + 3, to, USER);
  }
  return at;
}

/** `host[:port]`, parameters, headers: everything behind the user. */
function scanPlace(text: string, from: number, to: number): boolean {
  const isIpv6 = from < to && text.charCodeAt(from) === OPENING;
  const hostEnd = isIpv6 ? referenceEnd(text, from, to) : runEnd(text, from, to, HOST);
  if (hostEnd <= from) return false;
  parts.isIpv6 = isIpv6;
  parts.hostAt = from;
  parts.hostEnd = hostEnd;
  const paramsAt = scanPort(text, hostEnd, to);
  if (paramsAt < 0) return false;
  const paramsEnd = uriParamsEnd(text, paramsAt, to);
  parts.paramsAt = paramsAt;
  parts.paramsEnd = paramsEnd;
  parts.hasHeaders = paramsEnd < to;
  if (paramsEnd === to) return true;
  return (
    text.charCodeAt(paramsEnd) === QUESTION && runEnd(text, paramsEnd + 1, to, URI_HEADERS) === to
  );
}

function referenceEnd(text: string, from: number, to: number): number {
  const close = runEnd(text, from + 1, to, IPV6);
  return close > from + 1 && close < to && text.charCodeAt(close) === CLOSING ? close + 1 : -1;
}

/** Behind the port, or where one would begin; -1 when it is none. */
function scanPort(text: string, at: number, to: number): number {
  parts.port = -1;
  if (at === to || text.charCodeAt(at) !== COLON) return at;
  const end = runEnd(text, at + 1, to, DIGIT);
  if (end - at - 1 > MOST_PORT_DIGITS) return -1;
  parts.port = parseNumber(text, MAX_PORT, at + 1, end) ?? -1;
  return parts.port < 0 ? -1 : end;
}

/** Where the run of whole parameters ends. */
function uriParamsEnd(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && text.charCodeAt(at) === SEMICOLON) {
    const nameEnd = runEnd(text, at + 1, to, PARAM_NAME);
    if (nameEnd === at + 1) return at;
    if (nameEnd === to || text.charCodeAt(nameEnd) !== EQUALS) {
      at = nameEnd;
      continue;
    }
    const valueEnd = runEnd(text, nameEnd + 1, to, URI_VALUE);
    if (valueEnd === nameEnd + 1) return nameEnd;
    at = valueEnd;
  }
  return at;
}

function parseSip(
  scheme: "sip" | "sips",
  text: string,
  at: number,
  to: number,
): SipUri | undefined {
  if (!scanSip(text, at, to)) return undefined;
  const { userEnd, passwordEnd, hostAt, hostEnd, paramsAt, paramsEnd } = parts;
  const host = parts.isIpv6 ? text.slice(hostAt + 1, hostEnd - 1) : text.slice(hostAt, hostEnd);
  if (parts.isIpv6 && !isIpv6(host)) return undefined;
  return {
    scheme,
    user: userEnd < 0 ? undefined : text.slice(at, userEnd),
    password: passwordEnd < 0 ? undefined : text.slice(userEnd + 1, passwordEnd),
    host: lowerCase(host),
    port: parts.port < 0 ? undefined : parts.port,
    params: Params.fromChecked(text, paramsAt, paramsEnd),
    headers: parts.hasHeaders ? text.slice(paramsEnd + 1, to) : undefined,
  };
}

/** `host[:port]`; undefined when either is malformed. */
export function parseHostPort(
  text: string,
): { host: string; port: number | undefined } | undefined {
  const hostEnd = text.charCodeAt(0) === 91 ? text.indexOf("]") + 1 : text.indexOf(":");
  const host = parseHost(hostEnd <= 0 ? text : text.slice(0, hostEnd));
  if (host === undefined) return undefined;
  if (hostEnd <= 0 || hostEnd === text.length) return { host, port: undefined };
  if (text.charCodeAt(hostEnd) !== 58) return undefined;
  const port = parseNumber(text.slice(hostEnd + 1), 65535);
  return port === undefined ? undefined : { host, port };
}

function parseHost(text: string): string | undefined {
  if (text.charCodeAt(0) === 91) {
    const inner = text.slice(1, -1);
    return text.endsWith("]") && isIpv6(inner) ? inner.toLowerCase() : undefined;
  }
  return isHostName(text) ? text.toLowerCase() : undefined;
}

function parseTel(rest: string): TelUri | undefined {
  const semicolon = rest.indexOf(";");
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  if (!/^\+?[0-9A-Fa-f*#().-]+$/.test(number)) return undefined;
  const params = semicolon < 0 ? Params.none : Params.parse(rest, semicolon);
  return params && { scheme: "tel", number, params };
}

/** Host as it stands in a URI or Via: brackets around IPv6. */
export function formatHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

export function formatUri(uri: Uri): string {
  if (uri.scheme === "other") return uri.text;
  if (uri.scheme === "tel") return `tel:${uri.number}${uri.params}`;
  const password = uri.password === undefined ? "" : `:${uri.password}`;
  const userInfo = uri.user === undefined ? "" : `${uri.user}${password}@`;
  const port = uri.port === undefined ? "" : `:${uri.port}`;
  const headers = uri.headers === undefined ? "" : `?${uri.headers}`;
  return `${uri.scheme}:${userInfo}${formatHost(uri.host)}${port}${uri.params}${headers}`;
}

/** Parameters that count even when only one of the two URIs has them. RFC 3261 §19.1.4. */
const DISTINGUISHING = ["user", "ttl", "method", "maddr", "transport"] as const;

/** RFC 3261 §19.1.4 for SIP URIs, RFC 3966 §4 for tel (numbers without visual separators). */
export function sameUri(a: Uri, b: Uri): boolean {
  if (a.scheme === "other" || b.scheme === "other")
    return a.scheme === b.scheme && formatUri(a) === formatUri(b);
  if (a.scheme === "tel" || b.scheme === "tel")
    return a.scheme === "tel" && b.scheme === "tel" && bareNumber(a) === bareNumber(b);
  return (
    a.scheme === b.scheme &&
    a.port === b.port &&
    sameHost(a.host, b.host) &&
    sameText(a.user, b.user) &&
    sameText(a.password, b.password) &&
    sameParams(a.params, b.params) &&
    sameHeaders(a.headers, b.headers)
  );
}

/** An IPv6 address has many spellings (RFC 5954 §4.2). */
function sameHost(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.includes(":") || !b.includes(":")) return false;
  const other = parseIp(b);
  const one = parseIp(a);
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

function sameText(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && comparable(a) === comparable(b);
}

/** Escapes undone but those of reserved characters, which are not what they stand for. */
function comparable(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%[\da-f]{2}/gi, (escaped) => {
    const character = unescapeUri(escaped);
    return RESERVED.has(character) ? escaped.toUpperCase() : character;
  });
}
/** RFC 2396 §2.2, and the percent sign itself. */
const RESERVED: ReadonlySet<string> = new Set(";/?:@&=+$,%");

function sameParams(a: Params, b: Params): boolean {
  if (a.toString() === b.toString()) return true;
  for (const name of DISTINGUISHING) {
    const [one, other] = [a.get(name), b.get(name)];
    if ((one === undefined) !== (other === undefined)) return false;
  }
  const others = firstOfEach(b);
  for (const [name, value] of a.entries()) {
    const other = others.get(name);
    if (other !== undefined && comparable(other).toLowerCase() !== comparable(value).toLowerCase())
      return false;
  }
  return true;
}

/** As `get` would find them one by one. */
function firstOfEach(params: Params): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of params.entries()) if (!found.has(name)) found.set(name, value);
  return found;
}

/** All of them, in any order; only their names are spelled in any case. */
function sameHeaders(a = "", b = ""): boolean {
  return a === b || sortedHeaders(a) === sortedHeaders(b);
}

function sortedHeaders(text: string): string {
  const headers = text.split("&").map((header) => {
    const equals = header.indexOf("=");
    const name = equals < 0 ? header : header.slice(0, equals);
    return `${comparable(name).toLowerCase()}${comparable(header.slice(name.length))}`;
  });
  return headers.sort().join("&");
}

function bareNumber(uri: TelUri): string {
  return uri.number.replace(/[().-]/g, "").toLowerCase();
}

/**
 * The canonical form under which an address of record is filed: RFC 3261 §10.3 step 5, that is
 * without parameters and with escapes undone; tel numbers without visual separators. `sips:`
 * names the same resource as `sip:` (RFC 5630 §5.2).
 */
export function aorOf(uri: Uri): string {
  if (uri.scheme === "other") return uri.text;
  if (uri.scheme === "tel") return `tel:${bareNumber(uri)}`;
  const user = uri.user === undefined ? "" : `${unescapeUri(uri.user)}@`;
  const port = uri.port === undefined ? "" : `:${uri.port}`;
  return `sip:${user}${formatHost(uri.host)}${port}`;
}

/** The user part with its escapes undone, "" when there is none. */
export function unescapedUser(uri: SipUri): string {
  return unescapeUri(uri.user ?? "");
}
