// `sips:` all the way or not at all: no last-hop exception. RFC 5630 §5.3.
import type { SipRequest } from "../message/message.ts";

/** RFC 5630 §5.4: the Warning of a 480. */
export const SIPS_NOT_ALLOWED = '380 ims-lab "SIPS Not Allowed"';

const SIPS = /^sips:/i;

export function isSecured(uri: string): boolean {
  return SIPS.test(uri);
}

/** A request to a `sips:` URI goes to `sips:` Contacts only. */
export function mayReach(request: SipRequest, contact: string): boolean {
  return !isSecured(request.uri) || isSecured(contact);
}

/** A request to a `sip:` URI stays one, even to a `sips:` Contact. */
export function sameSchemeAs(request: SipRequest, contact: string): string {
  return isSecured(request.uri) ? contact : contact.replace(SIPS, "sip:");
}
