// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import { quotedEnd, skipSpace, tokenEnd, unquote } from "./scan.ts";

export interface AuthHeader {
  /** As received; compare case-insensitively. */
  readonly scheme: string;
  /** Lower-case names, values without quotes. */
  readonly params: ReadonlyMap<string, string>;
}

/** Undefined when malformed or when a parameter stands twice. */
export function parseAuthHeader(text: string): AuthHeader | undefined {
  const schemeEnd = tokenEnd(text, 0);
  if (schemeEnd === 0) return undefined;
  const params = new Map<string, string>();
  let at = skipSpace(text, schemeEnd);
  if (at === schemeEnd && at < text.length) return undefined;
  while (at < text.length) {
    const nameEnd = tokenEnd(text, at);
    const name = text.slice(at, nameEnd).toLowerCase();
    const equals = skipSpace(text, nameEnd);
    if (name === "" || text.charAt(equals) !== "=" || params.has(name)) return undefined;
    const valueAt = skipSpace(text, equals + 1);
    const valueEnd = valueEndAt(text, valueAt);
    if (valueEnd < 0) return undefined;
    const value = text.slice(valueAt, valueEnd);
    params.set(name, value.startsWith('"') ? unquote(value) : value);
    const comma = skipSpace(text, valueEnd);
    if (comma < text.length && text.charAt(comma) !== ",") return undefined;
    at = skipSpace(text, comma + 1);
  }
  return { scheme: text.slice(0, schemeEnd), params };
}

function valueEndAt(text: string, at: number): number {
  if (text.charAt(at) === '"') return quotedEnd(text, at);
  let end = at;
  while (end < text.length && !", \t\r\n".includes(text.charAt(end))) end++;
  return end === at ? -1 : end;
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
