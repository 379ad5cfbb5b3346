// The next hop of a request by its Route. RFC 3261 §8.1.2.
import { Route } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import { isSip, type SipUri } from "../message/uri.ts";

/** The topmost Route's URI, else the Request-URI; undefined when that is no SIP URI. */
export function nextHop(request: SipRequest): SipUri | undefined {
  const top = request.get(Route)?.uri ?? request.requestUri;
  return isSip(top) ? top : undefined;
}
