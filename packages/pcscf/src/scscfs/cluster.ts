// S-CSCFs that answer to one name: to which of them a request for that name goes. RFC 3263 §4.3.
import type { Clock } from "@ims-lab/common/platform/clock";
import { isIp } from "@ims-lab/common/platform/ip-address";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, type Uri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import type {
  ClientTransaction,
  Destination,
  NamedDestination,
  RequestOptions,
  ResponseHandlers,
} from "@ims-lab/common/sip/transaction/user";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { type Cluster, type CoreSender, knownUri } from "../sides/sides.ts";
import { type ClusterNode, ClusterRequest } from "./cluster-request.ts";
import type { ScscfPool } from "./scscf-pool.ts";

/** Of a binding, what the choice of its node needs. */
export interface ServedUser {
  readonly token: string;
  /** As `aorOf` files it. */
  readonly aor: string;
  /** The node that was heard of last. */
  readonly scscf: string;
}

/** The bindings here. */
export interface ServedUsers {
  ofImpu(aor: string): readonly ServedUser[];
  servedBy(token: string, scscf: string): void;
}

export interface ScscfClusterOptions {
  /** The host of their common URIs; undefined: each S-CSCF is on its own. */
  readonly name: string | undefined;
  /** SIP URIs of its nodes. */
  readonly scscfs: readonly string[];
  readonly pool: ScscfPool;
  readonly core: CoreSender;
  readonly clock: Clock;
  readonly table: ServedUsers;
}

export class ScscfCluster implements Cluster {
  readonly #options: ScscfClusterOptions;
  readonly #places: ReadonlyMap<string, Destination>;
  /** By address and port; one that the settings give a name is not among them. */
  readonly #byPlace: ReadonlyMap<string, string>;
  readonly #running = new Set<ClusterRequest>();

  constructor(options: ScscfClusterOptions) {
    this.#options = options;
    const places = options.scscfs.map((scscf) => [scscf, destinationOf(knownUri(scscf))] as const);
    this.#byPlace = new Map(
      places.flatMap(([scscf, to]) =>
        to === undefined || "flow" in to || !isIp(to.host) ? [] : [[formatHostPort(to), scscf]],
      ),
    );
    this.#places = new Map(
      places.flatMap(([scscf, to]) => (to === undefined ? [] : [[scscf, to]])),
    );
  }

  has(host: string): boolean {
    return host === this.#options.name;
  }

  senderFor(binding: ServedUser | undefined): CoreSender {
    const { name, core } = this.#options;
    if (name === undefined) return core;
    return {
      request: (request, to, handlers, options) =>
        this.#isNamed(to)
          ? this.#request(request, to, { handlers, options, binding })
          : core.request(request, to, handlers, options),
      sendStateless: (message, to) =>
        core.sendStateless(message, this.#first(to, message, binding)),
    };
  }

  /**
   * A request of one of its nodes, about this binding: that node serves the user now. One within a dialog may come by
   * another one, but for a NOTIFY, which whoever has the subscription sends.
   */
  heard({ request, flow }: Incoming, token: string): void {
    const { name, table } = this.#options;
    if (name === undefined || this.#byPlace.size === 0) return;
    if (request.method !== "NOTIFY" && request.to.params.has("tag")) return;
    const { host } = flow.remote;
    // A connection that it has opened has a port of the system's choice.
    const port = flow.transport === "udp" ? flow.remote.port : (request.get(Via)?.port ?? 5060);
    const scscf = this.#byPlace.get(formatHostPort({ host, port }));
    if (scscf !== undefined) table.servedBy(token, scscf);
  }

  /** For a request of this node itself: about the user whom its From or To names. */
  senderOf({ from, to }: SipRequest): CoreSender {
    const { name, core } = this.#options;
    if (name === undefined) return core;
    return this.senderFor(this.#bindingOf(from.uri) ?? this.#bindingOf(to.uri));
  }

  close(): void {
    for (const request of this.#running) request.abandon();
    this.#running.clear();
  }

  #isNamed(to: Destination): to is NamedDestination {
    return !("flow" in to) && this.has(to.host);
  }

  #bindingOf(uri: Uri): ServedUser | undefined {
    return this.#options.table.ofImpu(aorOf(uri))[0];
  }

  #request(
    request: SipRequest,
    to: NamedDestination,
    asked: {
      readonly handlers: ResponseHandlers;
      readonly options: RequestOptions | undefined;
      readonly binding: ServedUser | undefined;
    },
  ): ClientTransaction {
    const { core, clock, pool, table } = this.#options;
    const { handlers, options, binding } = asked;
    const nodes = this.#nodes(to, request, binding);
    // Nothing that is secured goes to a node that is not: the name is looked up, as any other.
    if (nodes.length === 0) return core.request(request, to, handlers, options);
    const sent = new ClusterRequest({
      nodes,
      handlers,
      clock,
      pool,
      send: (node, each) => core.request(request, node.to, each, options),
      onServed: (scscf) => {
        if (binding !== undefined) table.servedBy(binding.token, scscf);
      },
      onSettled: () => void this.#running.delete(sent),
    });
    this.#running.add(sent);
    sent.start();
    return sent;
  }

  /** Without a transaction there is no second try. */
  #first(to: Destination, message: SipMessage, binding: ServedUser | undefined): Destination {
    if (!this.#isNamed(to)) return to;
    return this.#nodes(to, message, binding)[0]?.to ?? to;
  }

  /** The one that served the binding last, then all others; those that are down come last. */
  #nodes(
    to: NamedDestination,
    { from }: SipMessage,
    binding: ServedUser | undefined,
  ): ClusterNode[] {
    const user = binding?.aor ?? aorOf(from.uri);
    return this.#options.pool.candidates(user, binding?.scscf).flatMap((scscf) => {
      const place = this.#places.get(scscf);
      return place === undefined || isLess(place, to) ? [] : [{ scscf, to: place }];
    });
  }
}

/** TLS was asked for (RFC 3261 §26.2.2), and is not what this node is reached over. */
function isLess(place: Destination, { transport }: NamedDestination): boolean {
  return transport === "tls" && !("flow" in place) && place.transport !== "tls";
}
