// Peers that the core side believes: the settings' trusted peers, else the next hops.
import { type TrustedPeer, trustedPeerOf } from "@ims-lab/common/platform/cidr";
import { isIp } from "@ims-lab/common/platform/ip-address";
import type { LogRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Resolver } from "@ims-lab/common/sip/dns/resolver";
import type { TrustedSources } from "./requests/core-side.ts";
import { sipUriOf } from "./sides/sides.ts";

export interface TrustOptions {
  readonly trustedPeers: readonly TrustedPeer[];
  readonly scscf: readonly string[];
  readonly resolver: Resolver;
  /** Lets the names be looked up again now and then: containers change addresses. */
  readonly mayAsk: LogRateLimit;
}

/** Next hops by name are trusted once their name has been resolved; `ready` settles when it was tried. */
export function trustedSources(options: TrustOptions): TrustedSources & { ready: Promise<void> } {
  const { trustedPeers, scscf, resolver, mayAsk } = options;
  if (trustedPeers.length > 0) {
    const isTrusted: TrustedSources["isTrusted"] = (host, port, tlsNames) =>
      trustedPeerOf(trustedPeers, host, port, tlsNames) !== undefined;
    return { isTrusted, ready: Promise.resolve() };
  }
  const hops = scscf.map(sipUriOf).filter((uri) => uri !== undefined);
  const known = new Map<string, readonly string[]>();
  const ask = async (name: string): Promise<void> => {
    try {
      known.set(name, await resolver.resolve(name));
    } catch {
      // Not there (yet): nobody can come from there either.
    }
  };
  const askAll = async (): Promise<void> => {
    await Promise.all(hops.filter(({ host }) => !isIp(host)).map(({ host }) => ask(host)));
  };
  return {
    ready: askAll(),
    isTrusted: (host, port, tlsNames) => {
      const trusted = hops.some((hop) => {
        // A next hop by sips: is who its certificate says, wherever it comes from.
        if (hop.scheme === "sips") return tlsNames.includes(hop.host);
        const isThere = hop.host === host || known.get(hop.host)?.includes(host) === true;
        return (hop.port ?? 5060) === port && isThere;
      });
      if (!trusted && mayAsk("resolve")) void askAll();
      return trusted;
    },
  };
}
