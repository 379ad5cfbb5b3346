// The UE's preloaded Route against the Service-Route of its registration. TS 24.229 §5.2.6.3.2, RFC 3608 §5.
import { Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { sameUri } from "@ims-lab/common/sip/message/uri";

/** URI by URI. @param request with our own entries already taken off its Route */
export function followsServiceRoute(request: SipRequest, serviceRoute: readonly string[]): boolean {
  const preloaded = request.all(Route);
  if (request.texts("Route").length !== serviceRoute.length) return false;
  return serviceRoute.every((text, at) => {
    const stored = parseNameAddr(text);
    const given = preloaded[at];
    return stored !== undefined && given !== undefined && sameUri(stored.uri, given.uri);
  });
}
