// No open relay: a Route that somebody else wrote leads to hops we know, or nowhere. RFC 3261 §16.3, §26.3.2.
import { isIp } from "../../platform/ip-address.ts";
import type { Destination, NamedDestination } from "../transaction/user.ts";

/** A next hop by its address, or by its name before that has been looked up. */
export type Hop = Pick<NamedDestination, "host" | "port" | "transport">;

export type KnowsHop = (hop: Hop) => boolean;

/** Undefined: not there. A name we do not know may still lead to an address that we do. */
export function withinKnown(to: Destination, knows: KnowsHop): Destination | undefined {
  if ("flow" in to || knows(to)) return to;
  return isIp(to.host) ? undefined : { ...to, only: knows };
}

export function isSameHop(a: Hop, b: Destination | undefined): boolean {
  return b !== undefined && !("flow" in b) && a.host === b.host && a.port === b.port;
}
