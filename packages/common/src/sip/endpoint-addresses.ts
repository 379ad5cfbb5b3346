// The addresses of an endpoint: what it listens on and what it tells its peers. RFC 3261 §18.1.1, §16.4.
import type { AdvertiseRule } from "./endpoint-options.ts";
import type { HostPort, Transport } from "./transport/transport.ts";

export class EndpointAddresses {
  readonly #rules: readonly AdvertiseRule[];
  readonly #transports: readonly Transport[];
  #own: ReadonlySet<string> = new Set();
  /** Set when every peer is told the same. */
  #only: HostPort | undefined;

  constructor(rules: readonly AdvertiseRule[], transports: readonly Transport[]) {
    this.#rules = rules;
    this.#transports = transports;
    this.refresh();
  }

  /** Reads the real ports; to be called once the transports listen. */
  refresh(): void {
    const own = new Set<string>();
    for (const { local } of this.#transports) own.add(keyOf(local.host, local.port));
    for (const rule of this.#rules) own.add(keyOf(rule.host, this.#portOf(rule)));
    this.#own = own;
    const [first] = this.#rules;
    const same = first === undefined || first.forPeers === undefined;
    this.#only = same ? this.#addressOf(first) : undefined;
  }

  advertised(remote: HostPort): HostPort {
    if (this.#only !== undefined) return this.#only;
    return this.#addressOf(this.#rules.find((rule) => rule.forPeers?.(remote.host) ?? true));
  }

  isOwn(host: string, port: number): boolean {
    return this.#own.has(keyOf(host, port));
  }

  #addressOf(rule: AdvertiseRule | undefined): HostPort {
    const [first] = this.#transports;
    if (rule !== undefined) return { host: rule.host, port: this.#portOf(rule) };
    return first?.local ?? { host: "0.0.0.0", port: 0 };
  }

  #portOf(rule: AdvertiseRule): number {
    return rule.port === 0 ? (this.#transports[0]?.local.port ?? 0) : rule.port;
  }
}

function keyOf(host: string, port: number): string {
  return `${host.toLowerCase()} ${port}`;
}
