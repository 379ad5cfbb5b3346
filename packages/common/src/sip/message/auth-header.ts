// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import { quote, skipSpace, unquote } from "./scan.ts";

export interface AuthHeader {
  /** As received; compare case-insensitively. */
  readonly scheme: string;
  /** Lower-case names, values without quotes. */
  readonly params: ReadonlyMap<string, string>;
}

const COMMA = 44;
const QUOTE = 34;

const SCHEME = /([\w\-.!%*+`'~]+)(?:[ \t]+|$)/y;
/** name, quoted value, bare value, and the comma behind if another follows */
const PARAM =
  /([\w\-.!%*+`'~]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"|([!#-+\-./0-~]+))[ \t]*(?:,[ \t]*(?=[^ \t])|$)/y;

/** Undefined when malformed or when a parameter stands twice. */
export function parseAuthHeader(text: string): AuthHeader | undefined {
  SCHEME.lastIndex = 0;
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return undefined;
  const params = new Map<string, string>();
  for (let at = SCHEME.lastIndex; at < text.length; ) {
    const plain = readPlainParam(text, at, params);
    at = plain > 0 ? plain : readAnyParam(text, at, params);
    if (at < 0) return undefined;
  }
  return { scheme, params };
}

/** The parameters of RFC 7616 and 3310, as nearly every peer spells them. */
const USUAL: ReadonlySet<string> = new Set([
  "username",
  "realm",
  "nonce",
  "uri",
  "response",
  "algorithm",
  "qop",
  "nc",
  "cnonce",
  "opaque",
  "stale",
  "auts",
  "ik",
  "ck",
  "integrity-protected",
]);

/** `name="value",`: a usual name, no escapes, no space before the comma. -1 for anything else. */
function readPlainParam(text: string, at: number, params: Map<string, string>): number {
  const equals = text.indexOf("=", at);
  if (equals < 0 || text.charCodeAt(equals + 1) !== QUOTE) return -1;
  const name = text.slice(at, equals);
  const close = text.indexOf('"', equals + 2);
  if (close < 0 || !USUAL.has(name) || params.has(name)) return -1;
  const value = text.slice(equals + 2, close);
  if (value.includes("\\")) return -1;
  const behind = skipSpace(text, close + 2);
  // A comma that nothing follows is malformed (RFC 3261 §25.1, digest-cln).
  const isLast = close + 1 === text.length;
  if (!isLast && (text.charCodeAt(close + 1) !== COMMA || behind === text.length)) return -1;
  params.set(name, value);
  return behind;
}

function readAnyParam(text: string, at: number, params: Map<string, string>): number {
  PARAM.lastIndex = at;
  const match = PARAM.exec(text);
  const name = match?.[1]?.toLowerCase();
  if (match === null || name === undefined || params.has(name)) return -1;
  params.set(name, match[3] ?? undoPairs(match[2] ?? ""));
  return PARAM.lastIndex;
}

function undoPairs(inner: string): string {
  return inner.includes("\\") ? unquote(`"${inner}"`) : inner;
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
  let text = scheme;
  let comma = " ";
  for (const [name, value] of params) {
    const isBare = BARE.has(name) && !(name === "qop" && kind === "challenge");
    text += comma + (isBare ? `${name}=${value}` : `${name}=${quote(value)}`);
    comma = ",";
  }
  return text;
}
