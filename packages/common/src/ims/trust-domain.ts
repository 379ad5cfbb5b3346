// Headers at the edge of the trust domain: what nobody outside may claim, what stays inside. RFC 3325 §5, RFC 7315, TS 24.229 §4.4.

import { HeaderSet } from "../sip/message/header-names.ts";
import type { SipMessage } from "../sip/message/message.ts";

/** Charging, topology and the network's own services: neither taken from outside nor shown there. */
const NETWORK_ONLY = [
  "P-Charging-Vector",
  "P-Charging-Function-Addresses",
  "P-Visited-Network-ID",
  "P-User-Database",
  "P-Profile-Key",
  "P-Asserted-Service", // RFC 6050
] as const;

const PREFERRED = "P-Preferred-Identity";

/** Who sends these from outside claims what only the network may say. */
const CLAIMS = [
  "P-Asserted-Identity",
  PREFERRED,
  "P-Served-User",
  "P-Associated-URI",
  "P-Called-Party-ID",
  "Path",
  "Service-Route",
  "Remote-Party-ID", // what P-Asserted-Identity took the place of; telephones show it all the same
] as const;

const LOCATION = "P-Access-Network-Info";

const CLAIMED_NAMES: readonly string[] = [...NETWORK_ONLY, ...CLAIMS];
const CLAIMED = new HeaderSet(CLAIMED_NAMES);
/** RFC 7315 §6.4: where a user is stays with his own network. */
const KEPT = new HeaderSet([...NETWORK_ONLY, LOCATION]);

/** For `removeClaims`, where more has to go than claims: canonical names. */
export function claimsAnd(names: readonly string[]): HeaderSet {
  return new HeaderSet([...CLAIMED_NAMES, ...names]);
}

/**
 * For what comes in. Names of what was taken out, so that a forgery can be counted and logged.
 * @param leaving all that goes, see `claimsAnd`
 */
export function removeClaims(message: SipMessage, leaving: HeaderSet = CLAIMED): readonly string[] {
  const forged: string[] = [];
  // P-Preferred-Identity is the one claim a UE is asked to make.
  for (const name of message.removeAll(leaving))
    if (name !== PREFERRED && CLAIMED_NAMES.includes(name)) forged.push(name);
  if (removeNetworkLocation(message)) forged.push(LOCATION);
  return forged;
}

/** TS 24.229 §4.4: a UE says where it is, `network-provided` is the network's word. */
function removeNetworkLocation(message: SipMessage): boolean {
  if (!message.has(LOCATION)) return false;
  const all = message.texts(LOCATION);
  if (!all.some(isNetworkProvided)) return false;
  const own = all.filter((text) => !isNetworkProvided(text));
  if (own.length === 0) message.remove(LOCATION);
  else message.set(LOCATION, own);
  return true;
}

function isNetworkProvided(text: string): boolean {
  return /;[ \t]*network-provided[ \t]*(?:[;=]|$)/i.test(text);
}

/** For what goes out, to a UE or to somebody else's network. */
export function removeNetworkOnly(message: SipMessage): void {
  message.removeAll(KEPT);
  if (asksForId(message)) message.remove("P-Asserted-Identity"); // RFC 3325 §5, §7
}

/** RFC 3325 §9.3. */
export function asksForId(message: SipMessage): boolean {
  return (
    message.has("Privacy") &&
    /(^|[;,])[ \t]*id[ \t]*([;,]|$)/i.test(message.texts("Privacy").join(";"))
  );
}
