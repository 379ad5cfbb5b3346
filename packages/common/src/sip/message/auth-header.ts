// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import { isSpace, quotedEnd, skipSpace, tokenEnd, unquote } from "./scan.ts";

export interface AuthHeader {
  /** As received; compare case-insensitively. */
  readonly scheme: string;
  /** Lower-case names, values without quotes. */
  readonly params: ReadonlyMap<string, string>;
}

const COMMA = 44;
const EQUALS = 61;
const QUOTE = 34;

/** Undefined when malformed or when a parameter stands twice. */
export function parseAuthHeader(text: string): AuthHeader | undefined {
  const schemeEnd = tokenEnd(text, 0);
  const params = new Map<string, string>();
  let at = skipSpace(text, schemeEnd);
  if (schemeEnd === 0 || (at === schemeEnd && at < text.length)) return undefined;
  while (at < text.length) {
    at = readParam(text, at, params);
    if (at < 0) return undefined;
  }
  return { scheme: text.slice(0, schemeEnd), params };
}

/** Reads `name=value` and the comma behind it; where the next one starts, or -1. */
function readParam(text: string, at: number, params: Map<string, string>): number {
  const nameEnd = tokenEnd(text, at);
  const name = text.slice(at, nameEnd).toLowerCase();
  const equals = skipSpace(text, nameEnd);
  if (nameEnd === at || text.charCodeAt(equals) !== EQUALS || params.has(name)) return -1;
  const valueAt = skipSpace(text, equals + 1);
  const isQuoted = text.charCodeAt(valueAt) === QUOTE;
  const valueEnd = isQuoted ? quotedEnd(text, valueAt) : bareEnd(text, valueAt);
  if (valueEnd <= valueAt) return -1;
  const value = text.slice(valueAt, valueEnd);
  params.set(name, isQuoted ? unquote(value) : value);
  const comma = skipSpace(text, valueEnd);
  if (comma < text.length && text.charCodeAt(comma) !== COMMA) return -1;
  return skipSpace(text, comma + 1);
}

function bareEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== COMMA && !isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Parameters whose values stand without quotes. RFC 3261 §25.1, RFC 7616 §3.4. */
const BARE = new Set(["algorithm", "nc", "qop", "stale"]);

/**
 * `Digest a="b", nc=00000001`. In a challenge `qop` is quoted, in an answer it is not
 * (RFC 7616 §3.3, §3.4), so the caller says which this is.
 */
export function formatAuthHeader(
  scheme: string,
  params: Iterable<readonly [string, string]>,
  kind: "challenge" | "answer",
): string {
  const parts: string[] = [];
  for (const [name, value] of params) {
    const bare = BARE.has(name) && !(name === "qop" && kind === "challenge");
    parts.push(bare ? `${name}=${value}` : `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  }
  return `${scheme} ${parts.join(",")}`;
}
