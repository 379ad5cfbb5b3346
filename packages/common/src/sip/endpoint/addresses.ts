// The addresses of an endpoint: what it listens on and what it tells its peers. RFC 3261 §18.1.1, §16.4.

import { ownCopy } from "../message/scan.ts";
import type { HostPort, Transport, TransportName } from "../transport/transport.ts";
import type { AdvertiseRule } from "./options.ts";

export class EndpointAddresses {
  readonly #rules: readonly AdvertiseRule[];
  readonly #transports: readonly Transport[];
  /** Hosts in lower case by port: nearly every port that is asked for is nobody's or has one. */
  #own: ReadonlyMap<number, ReadonlySet<string>> = new Map();
  /** Hosts that are ours at any port, in lower case. */
  readonly #shared: ReadonlySet<string>;
  /** The one that was asked for last: mostly it is asked for again. */
  #lastOwn: HostPort | undefined;
  /** Set when every peer is told the same. */
  #only: HostPort | undefined;

  constructor(rules: readonly AdvertiseRule[], transports: readonly Transport[]) {
    this.#rules = rules;
    this.#transports = transports;
    this.#shared = new Set(
      rules.flatMap(({ host, isShared }) => (isShared === true ? host.toLowerCase() : [])),
    );
    this.refresh();
  }

  /** Reads the real ports; to be called once the transports listen. */
  refresh(): void {
    const own = new Map<number, Set<string>>();
    for (const { local } of this.#transports) add(own, local);
    for (const rule of this.#rules) {
      for (const { name } of this.#transports) add(own, this.#addressOf(rule, name));
    }
    this.#own = own;
    this.#lastOwn = undefined;
    const [first] = this.#rules;
    const same = first === undefined || first.forPeers === undefined;
    this.#only = same ? this.#addressOf(first, PLAIN) : undefined;
  }

  /** UDP and TCP share one port; the others have ports of their own. */
  advertised(remote: HostPort, transport: TransportName = PLAIN): HostPort {
    if (this.#only !== undefined && isPlain(transport)) return this.#only;
    const rule = this.#rules.find(({ forPeers }) => forPeers?.(remote.host) ?? true);
    return this.#addressOf(rule, transport);
  }

  isOwn(host: string, port: number): boolean {
    const last = this.#lastOwn;
    if (last !== undefined && last.port === port && last.host === host) return true;
    const isOwn = this.#isAmongOwn(host, port);
    if (isOwn) this.#lastOwn = { host: ownCopy(host), port };
    return isOwn;
  }

  #isAmongOwn(host: string, port: number): boolean {
    const hosts = this.#own.get(port);
    if (hosts !== undefined && (hosts.has(host) || hosts.has(host.toLowerCase()))) return true;
    return this.#shared.size > 0 && this.#shared.has(host.toLowerCase());
  }

  #addressOf(rule: AdvertiseRule | undefined, transport: TransportName): HostPort {
    if (rule !== undefined) return { host: rule.host, port: this.#portOf(rule, transport) };
    return this.#local(transport) ?? { host: "0.0.0.0", port: 0 };
  }

  /** A rule's port is for UDP and TCP; the others keep theirs. */
  #portOf(rule: AdvertiseRule, transport: TransportName): number {
    if (rule.port !== 0 && isPlain(transport)) return rule.port;
    return this.#local(transport)?.port ?? 0;
  }

  #local(transport: TransportName): HostPort | undefined {
    const own = isPlain(transport)
      ? undefined
      : this.#transports.find(({ name }) => name === transport);
    return (own ?? this.#transports[0])?.local;
  }
}

const PLAIN = "udp";

function isPlain(transport: TransportName): boolean {
  return transport === "udp" || transport === "tcp";
}

function add(own: Map<number, Set<string>>, { host, port }: HostPort): void {
  const hosts = own.get(port) ?? new Set();
  own.set(port, hosts.add(host.toLowerCase()));
}
