// Values of the P-headers that the nodes write and read. RFC 3325 §9, RFC 7315 §4.
import { PAssertedIdentity } from "../sip/message/fields.ts";
import type { SipMessage } from "../sip/message/message.ts";
import { isToken, quote } from "../sip/message/scan.ts";
import type { Uri } from "../sip/message/uri.ts";

/** RFC 3325 §9.1: one SIP URI and one tel URI at most; further values are ignored. */
export function assertedIdentities(message: SipMessage): readonly Uri[] {
  const uris = message.all(PAssertedIdentity).map(({ uri }) => uri);
  const sip = uris.find(({ scheme }) => scheme === "sip" || scheme === "sips");
  const tel = uris.find(({ scheme }) => scheme === "tel");
  return [sip, tel].filter((uri) => uri !== undefined);
}

/** For P-Associated-URI and P-Asserted-Identity: the default identity first. */
export function identityList(impus: readonly string[]): string {
  return impus.map((impu) => `<${impu}>`).join(", ");
}

/** RFC 7315 §4.3: a token, or quoted. */
export function visitedNetworkId(name: string): string {
  return isToken(name) ? name : quote(name);
}
