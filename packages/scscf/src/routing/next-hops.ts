// Static next hops for the domains of others: the setting `routes`. TS 24.229 §5.4.3.2.
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import type { Destination, NamedDestination } from "@ims-lab/common/sip/transaction/user";

/** `domain=sip:host:port`, as the setting writes it. */
interface NextHop {
  readonly domain: string;
  readonly to: NamedDestination;
}

/** Undefined when it is not written so. */
export function parseNextHop(text: string): NextHop | undefined {
  const equals = text.indexOf("=");
  const domain = text.slice(0, Math.max(equals, 0)).toLowerCase();
  const uri = parseUri(text.slice(equals + 1));
  if (!/^[a-z0-9.-]+$/.test(domain) || !isSip(uri)) return undefined;
  const to = destinationOf(uri);
  return to === undefined || "flow" in to ? undefined : { domain, to };
}

export interface NextHops {
  of(domain: string): Destination | undefined;
  /** Whether a peer at this address is one of them. */
  includes(host: string, port: number): boolean;
  /** Whether one of them is this host: what it serves may listen on other ports. */
  isHost(host: string): boolean;
}

export function nextHops(routes: readonly string[]): NextHops {
  const hops = routes.flatMap((text) => parseNextHop(text) ?? []);
  const byDomain = new Map(hops.map(({ domain, to }) => [domain, to]));
  return {
    of: (domain) => byDomain.get(domain),
    isHost: (host) => hops.some(({ to }) => to.host === host),
    includes: (host, port) => hops.some(({ to }) => to.host === host && to.port === port),
  };
}
