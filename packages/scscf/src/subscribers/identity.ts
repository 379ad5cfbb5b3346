// Under which form of an identity its subscriber is filed, however a peer writes it. TS 23.003 §13.4; RFC 3261 §19.1.6; RFC 3966.
import {
  aorOf,
  isSip,
  parseUri,
  type SipUri,
  type Uri,
  unescapedUser,
} from "@ims-lab/common/sip/message/uri";
import type { SubscriberDirectory } from "./directory.ts";

export interface Home {
  readonly directory: SubscriberDirectory;
  /** Lower case. */
  readonly domain: string;
}

/**
 * As it is, where a subscriber has it so; else a telephone number, where one has that: `sip:+1…@DOMAIN` with or
 * without `user=phone`, a local number with its context (decision 0019). At another domain it is that domain's.
 */
export function filedAs(home: Home, uri: Uri): string {
  const asItIs = aorOf(
    isSip(uri) && isAtHome(home.domain, uri) ? { ...uri, port: undefined } : uri,
  );
  const number = numberIn(home.domain, uri);
  if (number === undefined || number === asItIs) return asItIs;
  const [first, second] = isSaidToBeNumber(uri) ? [number, asItIs] : [asItIs, number];
  if (home.directory.ownersOf(first).length > 0) return first;
  return home.directory.ownersOf(second).length > 0 ? second : asItIs;
}

/** Our domain at its own port is our domain. @param aor see `aorOf` */
export function atHome(domain: string, aor: string): string {
  if (!aor.endsWith(OWN_PORT)) return aor; // as mostly
  return aor.endsWith(`@${domain}${OWN_PORT}`) ? aor.slice(0, -OWN_PORT.length) : aor;
}

const OWN_PORT = ":5060";

/** The same for the host and port of a SIP URI. */
export function isAtHome(domain: string, { scheme, host, port }: SipUri): boolean {
  if (host !== domain) return false;
  return port === undefined || port === (scheme === "sips" ? 5061 : 5060);
}

/** `tel:` with everything that belongs to the number, global where that can be told. */
function numberIn(domain: string, uri: Uri): string | undefined {
  if (uri.scheme === "tel") return global(uri);
  if (!isSip(uri) || !isAtHome(domain, uri)) return undefined;
  const user = unescapedUser(uri);
  if (!isSaidToBeNumber(uri) && !/^\+[\d().-]+(?:;|$)/.test(user)) return undefined;
  const number = parseUri(`tel:${user}`);
  return number?.scheme === "tel" ? global(number) : undefined;
}

/** RFC 3966 §5.1.5: the context of a local number may be the beginning of a global one. */
function global(uri: Extract<Uri, { scheme: "tel" }>): string {
  const context = uri.params.get("phone-context") ?? "";
  const isLocal = !uri.number.startsWith("+");
  return isLocal && context.startsWith("+")
    ? aorOf({ ...uri, number: `${context}${uri.number}` })
    : aorOf(uri);
}

function isSaidToBeNumber(uri: Uri): boolean {
  return uri.scheme === "tel" || (isSip(uri) && uri.params.get("user")?.toLowerCase() === "phone");
}
