// Headers that only the network may write, and those the network keeps to itself. RFC 3325 §5, RFC 7315, TS 24.229 §4.4.

import type { SipMessage } from "@ims-lab/common/sip/message/message";

/** Charging and topology: neither taken from a UE nor shown to one. */
const NETWORK_ONLY = [
  "P-Charging-Vector",
  "P-Charging-Function-Addresses",
  "P-Visited-Network-ID",
  "P-User-Database",
  "P-Profile-Key",
] as const;

const PREFERRED = "P-Preferred-Identity";

/** A UE that sends these claims what only we may say. */
const CLAIMS = [
  "P-Asserted-Identity",
  PREFERRED,
  "P-Served-User",
  "P-Associated-URI",
  "P-Called-Party-ID",
  "Path",
  "Service-Route",
] as const;

const CLAIMS_AND_NETWORK_ONLY: ReadonlySet<string> = new Set([...NETWORK_ONLY, ...CLAIMS]);
const NETWORK_ONLY_NAMES: ReadonlySet<string> = new Set(NETWORK_ONLY);

/** Names of what was taken out, so that a forgery can be counted and logged. */
export function removeClaims(message: SipMessage): readonly string[] {
  // P-Preferred-Identity is the one claim a UE is asked to make.
  return message.removeAll(CLAIMS_AND_NETWORK_ONLY).filter((name) => name !== PREFERRED);
}

export function removeNetworkOnly(message: SipMessage): void {
  message.removeAll(NETWORK_ONLY_NAMES);
  // RFC 3325 §7: the user asked for it, and the UE is outside the trust domain.
  if (message.has("Privacy") && /(^|;)\s*id\s*(;|$)/i.test(message.text("Privacy") ?? ""))
    message.remove("P-Asserted-Identity");
}
