// The S-CSCF's one SIP side: its endpoint, its own addresses, where its own requests go. RFC 3261 §8.1.2, §18.

import type { NetworkFaults } from "@ims-lab/common/faults/network-faults";
import { cidrContains, trustedPeerOf } from "@ims-lab/common/platform/cidr";
import type { Clock } from "@ims-lab/common/platform/clock";
import { isIp } from "@ims-lab/common/platform/ip-address";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { RequestQueue } from "@ims-lab/common/sip/admission/request-queue";
import { nextHop } from "@ims-lab/common/sip/dialog/next-hop";
import {
  type AdvertiseRule,
  createEndpoint,
  type Endpoint,
  type EndpointCounters,
  type EndpointOptions,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { AnyInterceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { endpointLimits } from "@ims-lab/common/sip/endpoint/limits";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { isSip, parseUri, type Uri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { type Flow, formatHostPort, type Transport } from "@ims-lab/common/sip/transport/transport";
import type { ClusterSettings } from "./cluster/settings.ts";
import type { ScscfConfig } from "./config.ts";
import { nextHops } from "./routing/next-hops.ts";

type HopSetting = NonNullable<EndpointOptions["settingOf"]>;

export interface EndpointTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly transports: readonly Transport[];
  readonly interceptors?: readonly AnyInterceptor[];
  readonly counters?: EndpointCounters;
}

/** What stands between it and the wire. */
export interface EndpointBrakes {
  readonly queue: RequestQueue | undefined;
  /** Outermost: what is traced is what leaves. */
  readonly networkFaults: NetworkFaults;
  /** Innermost. */
  readonly watches: AnyInterceptor;
}

export function endpointOf(
  config: ScscfConfig,
  tools: EndpointTools,
  { queue, networkFaults, watches }: EndpointBrakes,
): Endpoint {
  const { sip, limits, cluster } = config;
  const { clock, random, log, transports, interceptors = [], counters } = tools;
  const advertise = sip.advertise.map(
    ({ forPeers, host, port }): AdvertiseRule => ({
      forPeers: (peer) => cidrContains(forPeers, peer),
      host,
      port: port ?? 0,
    }),
  );
  // No peer is told it by Via: answers come to this node.
  if (cluster.name !== "")
    advertise.push({ forPeers: () => false, host: cluster.name, port: 0, isShared: true });
  return createEndpoint({
    name: "scscf",
    transports,
    clock,
    random,
    log,
    udpMtuBytes: sip.udpMtuBytes,
    settingOf: hopSettings(config),
    ...endpointLimits(limits, { queue }),
    ...(advertise.length > 0 && { advertise }),
    interceptors: [networkFaults.towards("P"), ...interceptors, watches],
    ...(counters !== undefined && { counters }),
  });
}

/** A P-CSCF of some Path, or the next hop to another domain; a device that came directly has none. */
function hopSettings({ routes, trustedPeers, allowDirect }: ScscfConfig): HopSetting {
  const hops = nextHops(routes);
  return ({ host, port }) => {
    if (hops.includes(host, port)) return "routes";
    if (trustedPeerOf(trustedPeers, host, port, []) !== undefined) return "trustedPeers";
    return allowDirect && isIp(host) ? undefined : "routes";
  };
}

/** Requests of our own go where their Route or Request-URI says. */
export function senderOf(endpoint: Endpoint): SendRequest {
  return (request, handlers) => {
    const hop = nextHop(request);
    const to = hop === undefined ? undefined : destinationOf(hop);
    if (to === undefined) handlers.onFailure(`no way to ${hop?.host ?? request.uri}`);
    else {
      const transaction = endpoint.request(request, to, handlers);
      handlers.onStarted?.(transaction);
    }
  };
}

/** The user part of a Service-Route of ours. */
export function tokenOf(endpoint: Endpoint, uri: Uri): string | undefined {
  return isSip(uri) && endpoint.isOwn(uri.host, uri.port ?? 5060) ? uri.user : undefined;
}

/** By what the sender of a request is to reach us from here on, whichever node of a cluster that is. */
export function selfFor(endpoint: Endpoint, { name }: ClusterSettings, flow: Flow): string {
  const { host, port } = endpoint.advertised(flow.remote, flow.transport);
  return formatHostPort({ host: name === "" ? host : name, port });
}

/** Our URI as the peer of this URI must use it. */
export function ownUriFor(endpoint: Endpoint, peer: string): string {
  const uri = parseUri(peer);
  if (!isSip(uri)) return `sip:${formatHostPort(endpoint.advertised({ host: "", port: 0 }))}`;
  const { host, port = 5060, scheme } = uri;
  const transport = scheme === "sips" ? "tls" : "udp";
  return `${scheme}:${formatHostPort(endpoint.advertised({ host, port }, transport))}`;
}
