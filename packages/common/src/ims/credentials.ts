// The Authorization value of a REGISTER that counts, one reading for both CSCFs. RFC 3261 §20.7, §22.3; RFC 7616 §3.4.
import { type AuthHeader, parseAuthHeader } from "../sip/message/auth-header.ts";
import type { SipRequest } from "../sip/message/message.ts";
import { isSpace, isToken } from "../sip/message/scan.ts";
import { isSip } from "../sip/message/uri.ts";

/** The one value that counts. */
export interface Credentials extends AuthHeader {
  /** The value as it came, without folds and what was taken out. */
  readonly text: string;
  /** `username`, the IMPI (TS 24.229 §5.1.1.2); undefined when empty or absent. */
  readonly impi: string | undefined;
}

export interface MalformedCredentials {
  /** One line. */
  readonly malformed: string;
}

/**
 * Of all values those with scheme Digest and this realm count. Other schemes, other realms and
 * empty values are no concern of ours; undefined: nothing else was there. Where one Digest value is
 * alone it counts whatever its realm, so that a wrong one is judged and named.
 * @param realm compared without case, so that one in other case is found and named, too; where it stands in the
 *   request, it is read only if several values may be meant
 * @param bare takes out what a sender has no business to write, before anything is read
 */
export function credentialsOf(
  request: SipRequest,
  realm: string | ((request: SipRequest) => string),
  bare: (text: string) => string = asItIs,
): Credentials | MalformedCredentials | undefined {
  const texts = request.texts("Authorization");
  const [first, second] = texts;
  if (first === undefined) return undefined;
  if (second === undefined) return readDigest(first, bare); // as mostly
  const found: Credentials[] = [];
  for (const text of texts) {
    const read = readDigest(text, bare);
    if (read === undefined) continue;
    if ("malformed" in read) return read;
    found.push(read);
  }
  if (found.length < 2) return found[0];
  const name = (typeof realm === "string" ? realm : realm(request)).toLowerCase();
  const ours = found.filter(({ params }) => params.get("realm")?.toLowerCase() === name);
  return ours.length < 2 ? ours[0] : theOneAnswer(ours);
}

function asItIs(text: string): string {
  return text;
}

/** The realm is the home domain, which a REGISTER's Request-URI names (TS 24.229 §5.1.1.2). */
export function realmOf(request: SipRequest): string {
  const uri = request.requestUriIfValid;
  return isSip(uri) ? uri.host : "";
}

export function isMalformed(
  read: Credentials | MalformedCredentials | undefined,
): read is MalformedCredentials {
  return read !== undefined && "malformed" in read;
}

/** Whether they answer a challenge; the first REGISTER's only name the user (TS 24.229 §5.1.1.2). */
export function hasResponse(credentials: Credentials | undefined): boolean {
  return (credentials?.params.get("response") ?? "") !== "";
}

/** Undefined for what is none of ours. */
function readDigest(
  received: string,
  bare: (text: string) => string,
): Credentials | MalformedCredentials | undefined {
  if (received === "") return undefined;
  const scheme = schemeOf(received);
  if (!isToken(scheme)) return { malformed: "Authorization without a scheme" };
  if (scheme.toLowerCase() !== "digest") return undefined;
  const text = bare(received);
  if (CONTROL.test(text)) return { malformed: "a control character in Authorization" };
  const header = parseAuthHeader(text);
  if (header === undefined)
    return { malformed: "Authorization: a parameter is malformed, missing or there twice" };
  if (header.params.size === 0) return undefined;
  if (header.params.has("username*"))
    return { malformed: "username*: a private identity is plain text (TS 23.003 §13.3)" };
  const impi = header.params.get("username") || undefined;
  return { scheme: header.scheme, params: header.params, text, impi };
}

/** All but HTAB, CR and LF, which white space may be made of. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

function schemeOf(text: string): string {
  let end = 0;
  while (end < text.length && !isSpace(text.charCodeAt(end))) end++;
  return text.slice(0, end);
}

/**
 * Several that claim our realm. Some devices leave the unanswered value of their first REGISTER
 * beside the answer, others answer one challenge in each algorithm it offers: the first answer counts
 * there. Answers of different users or to different challenges contradict each other.
 */
function theOneAnswer(ours: readonly Credentials[]): Credentials | MalformedCredentials {
  const answers = ours.filter(({ params }) => (params.get("nonce") ?? "") !== "");
  const [first, ...others] = answers;
  const isOne = (other: Credentials): boolean =>
    SAME.every((name) => other.params.get(name) === first?.params.get(name)) &&
    other.params.get("algorithm") !== first?.params.get("algorithm");
  if (first !== undefined && others.every(isOne)) return first;
  return { malformed: `Authorization: ${ours.length} values for one realm` };
}

const SAME = ["username", "nonce"] as const;
