// SIP, SIPS and tel URIs, and any other scheme as opaque text. RFC 3261 §19.1, RFC 3966.
import { parseIp } from "../../platform/ip-address.ts";
import { Params } from "./params.ts";
import { isHostName, isIpv6, parseNumber, unescapeUri } from "./scan.ts";

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

/** Undefined for what no URI grammar allows; an unknown scheme is an `OtherUri`. */
export function parseUri(text: string): Uri | undefined {
  if (text.startsWith("sip:")) return parseSip("sip", text);
  const colon = text.indexOf(":");
  if (colon <= 0) return undefined;
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === "sip" || scheme === "sips") return parseSip(scheme, text);
  if (scheme === "tel") return parseTel(text.slice(colon + 1));
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  return { scheme: "other", text };
}

export function isSip(uri: Uri | undefined): uri is SipUri {
  return uri !== undefined && (uri.scheme === "sip" || uri.scheme === "sips");
}

/** Sources of regular expressions. Linear: neighbouring repetitions share no character. */
const USER = "[\\w\\-.!~*'()&=+$,;?/#[\\]]*(?:%[0-9A-Fa-f]{2}[\\w\\-.!~*'()&=+$,;?/#[\\]]*)*";
const PORT = "\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5]";
const PARAMS = "(?:;[\\w\\-.!%*+`'~[\\]/:&$()]+(?:=[!#-+\\-./0-:=@-~]+)?)*";
/** @param open starts a group: "(" to capture user, password, host, port, params and headers */
function sipUri(open: "(" | "(?:", host: string): string {
  const userInfo = `(?:(?=[^:@])${open}${USER})(?::${open}${USER}))?@)?`;
  const place = `${open}${host})(?::${open}${PORT}))?`;
  return `[sS][iI][pP][sS]?:${userInfo}${place}${open}${PARAMS})(?:\\?${open}[!-;=?-~]*))?`;
}

const NAME_OR_IPV4 = "[A-Za-z0-9\\-._]+";
const SIP_URI = new RegExp(`^${sipUri("(", `\\[[0-9A-Fa-f:.]+\\]|${NAME_OR_IPV4}`)}$`);

/** Matches SIP URIs but those with IPv6 references; captures nothing, to stand in expressions. */
export const COMMON_SIP_URI: string = sipUri("(?:", NAME_OR_IPV4);

function parseSip(scheme: "sip" | "sips", text: string): SipUri | undefined {
  const match = SIP_URI.exec(text);
  if (match === null) return undefined;
  const [, user, password, rawHost = "", rawPort, rawParams, headers] = match;
  const port = rawPort === undefined ? undefined : Number(rawPort);
  const params = rawParams ? Params.parse(rawParams) : Params.none;
  const host = hostOf(rawHost);
  if (params === undefined || host === undefined) return undefined;
  return { scheme, user, password, host, port, params, headers };
}

function hostOf(text: string): string | undefined {
  if (text.charCodeAt(0) !== 91) return text.toLowerCase();
  const inner = text.slice(1, -1);
  return isIpv6(inner) ? inner.toLowerCase() : undefined;
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
