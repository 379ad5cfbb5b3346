// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import { unquote } from "./scan.ts";

export interface AuthHeader {
  /** As received; compare case-insensitively. */
  readonly scheme: string;
  /** Lower-case names, values without quotes. */
  readonly params: ReadonlyMap<string, string>;
}

const SCHEME = /([\w\-.!%*+`'~]+)(?:\s+|$)/y;
/** name, quoted value, bare value, and the comma behind if another follows */
const PARAM = /([\w\-.!%*+`'~]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s,"]+))\s*(?:,\s*(?=\S)|$)/y;

/** Undefined when malformed or when a parameter stands twice. */
export function parseAuthHeader(text: string): AuthHeader | undefined {
  SCHEME.lastIndex = 0;
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return undefined;
  const params = new Map<string, string>();
  PARAM.lastIndex = SCHEME.lastIndex;
  while (PARAM.lastIndex < text.length) {
    const match = PARAM.exec(text);
    if (match === null) return undefined;
    const name = (match[1] ?? "").toLowerCase();
    if (params.has(name)) return undefined;
    params.set(name, match[3] ?? undoPairs(match[2] ?? ""));
  }
  return { scheme, params };
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
  const parts: string[] = [];
  for (const [name, value] of params) {
    const bare = BARE.has(name) && !(name === "qop" && kind === "challenge");
    parts.push(bare ? `${name}=${value}` : `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  }
  return `${scheme} ${parts.join(",")}`;
}
