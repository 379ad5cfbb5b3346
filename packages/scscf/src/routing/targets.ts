// Targets of a request: along its Route, our own users, the domains of others. RFC 3261 §16.5, §16.6; TS 24.229 §5.4.3.
import type { Endpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { isSip } from "@ims-lab/common/sip/message/uri";
import type { Target } from "@ims-lab/common/sip/proxy/fork";
import { type KnowsHop, withinKnown } from "@ims-lab/common/sip/proxy/known-hops";
import { destinationOf, takeNextHop } from "@ims-lab/common/sip/proxy/route";
import type { RequestOrigin } from "../origin.ts";
import type { NextHops } from "./next-hops.ts";
import type { Served } from "./originating.ts";
import { isProblem, type RoutingProblem, unknownHop } from "./problems.ts";
import { type Called, devicesOf, isOurs } from "./terminating.ts";

export interface Ways extends Called {
  readonly endpoint: Endpoint;
  readonly nextHops: NextHops;
  /** Where a Route of somebody else's may lead. */
  readonly knowsHop: KnowsHop;
}

interface Asked {
  readonly onward: SipRequest;
  readonly served: Served | undefined;
  readonly origin: RequestOrigin;
}

export function alongRoute(
  { endpoint, knowsHop }: Ways,
  onward: SipRequest,
): Target["to"] | RoutingProblem | undefined {
  const hop = takeNextHop(onward);
  const isUs = isSip(hop) && endpoint.isOwn(hop.host, hop.port ?? 5060);
  const to = isUs ? undefined : destinationOf(hop);
  if (to === undefined) return undefined;
  return withinKnown(to, knowsHop) ?? unknownHop(hop);
}

/** Our own users, or the domain of others. */
export function targetsOf(
  ways: Ways,
  { onward, served, origin }: Asked,
): readonly Target[] | RoutingProblem {
  const { domain, nextHops, endpoint } = ways;
  const uri = onward.requestUri;
  if (uri.scheme === "tel" && !isOurs(ways, uri))
    return { kind: "no-such-user", detail: `${onward.uri} is nobody's number` };
  if (!isSip(uri) || uri.host === domain || isOurs(ways, uri)) return devicesOf(ways, onward);
  if (endpoint.isOwn(uri.host, uri.port ?? 5060))
    return { kind: "no-such-user", detail: `${onward.uri} is this node itself` };
  // Only our users go elsewhere: this is no open relay.
  if (served === undefined)
    return { kind: "no-such-user", detail: `${onward.uri}: ${origin.source} is not served` };
  const to = onward.has("Route") ? alongRoute(ways, onward) : nextHops.of(uri.host);
  if (to !== undefined) return isProblem(to) ? to : [{ request: onward, to, q: 1 }];
  return { kind: "no-route", detail: `no way to ${uri.host}: add it to routes` };
}
