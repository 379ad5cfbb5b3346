// The UE's preloaded Route against the Service-Route of its registration. TS 24.229 §5.2.6.3.2, RFC 3608 §5.
import { Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { type NameAddr, parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { isSip, sameUri } from "@ims-lab/common/sip/message/uri";
import { takeTarget } from "@ims-lab/common/sip/proxy/route";

/** URI by URI, each as loose as it was given to the UE. @param request with our own entries already taken off its Route */
export function followsServiceRoute(request: SipRequest, serviceRoute: readonly string[]): boolean {
  const preloaded = request.all(Route);
  if (request.texts("Route").length !== serviceRoute.length) return false;
  return serviceRoute.every((text, at) => {
    const stored = parseNameAddr(text);
    const given = preloaded[at];
    if (stored === undefined || given === undefined || !sameUri(stored.uri, given.uri))
      return false;
    return !hasLr(stored) || hasLr(given);
  });
}

function hasLr({ uri }: NameAddr): boolean {
  return isSip(uri) && uri.params.has("lr");
}

/**
 * RFC 3261 §16.4, on behalf of the S-CSCF: a UE that takes the Service-Route for a strict router puts it in
 * the Request-URI. Changes `request`.
 */
export function undoStrictServiceRoute(request: SipRequest, serviceRoute: readonly string[]): void {
  if (!request.has("Route")) return;
  const { requestUri } = request;
  const isStored = serviceRoute.some((text) => {
    const stored = parseNameAddr(text);
    return stored !== undefined && sameUri(stored.uri, requestUri);
  });
  const target = isStored ? parseNameAddr(request.texts("Route").at(-1) ?? "") : undefined;
  if (target !== undefined) takeTarget(request, target);
}
