// Locating SIP servers, best first: NAPTR, SRV, A and AAAA. RFC 3263 §4, RFC 2782.
import type { Random } from "../../platform/random.ts";
import type { TransportName } from "../transport/transport.ts";
import type { Resolver, SrvRecord } from "./resolver.ts";

/** What is looked for: the parts of a SIP URI that decide (RFC 3263 §4). */
export interface Wanted {
  readonly host: string;
  /** The one given, else the transport's default. */
  readonly port: number;
  readonly transport?: TransportName | undefined;
  /** No port was given: NAPTR and SRV have a say. */
  readonly byService?: boolean | undefined;
}

export interface LocatedServer {
  /** A literal address. */
  readonly host: string;
  readonly port: number;
  readonly transport: TransportName;
}

export interface LocateOptions {
  readonly resolver: Resolver;
  readonly random: Random;
  /** Whether this side has such a transport, and whether it reaches an address of this family. */
  reaches(transport: TransportName, address?: string): boolean;
}

/** However many records a domain has: no request is tried at more places. */
const MOST_TARGETS = 8;

/** Empty when nothing was found. Rejects as the resolver does. */
export async function locate(
  wanted: Wanted,
  options: LocateOptions,
): Promise<readonly LocatedServer[]> {
  const services = wanted.byService ? await servicesOf(wanted, options) : [];
  for (const service of services) {
    const records = await srvOf(service.name, options.resolver);
    const found = await targetsOf(inOrder(records, options.random), service.transport, options);
    if (found.length > 0) return found;
  }
  // RFC 3263 §4.1, §4.2: without records, the transport given or UDP, at the port given or default.
  const transport = wanted.transport ?? (options.reaches("udp") ? "udp" : "tcp");
  return targetsOf([{ name: wanted.host, port: wanted.port }], transport, options);
}

interface Service {
  readonly name: string;
  readonly transport: TransportName;
}

/** RFC 3263 §4.1; names as §4.2 writes them where there is no NAPTR. */
const BY_NAPTR: Readonly<Record<string, TransportName>> = {
  "sip+d2u": "udp",
  "sip+d2t": "tcp",
  "sips+d2t": "tls",
  "sip+d2w": "ws", // RFC 7118 §5.4
  "sips+d2w": "wss",
};
const BY_NAME: readonly (readonly [TransportName, string])[] = [
  ["udp", "_sip._udp"],
  ["tcp", "_sip._tcp"],
  ["tls", "_sips._tcp"],
];

async function servicesOf(
  { host, transport }: Wanted,
  { resolver, reaches }: LocateOptions,
): Promise<readonly Service[]> {
  const usual = BY_NAME.map(([kind, label]) => ({ transport: kind, name: `${label}.${host}` }));
  if (transport !== undefined) return usual.filter((service) => service.transport === transport);
  const records = await (resolver.naptr?.(host) ?? Promise.resolve([]));
  const chosen = [...records]
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .map(({ service, replacement }) => ({
      name: replacement,
      transport: BY_NAPTR[service.toLowerCase()],
    }))
    .filter((each): each is Service => each.transport !== undefined && reaches(each.transport));
  // A sip: URI may go over TLS when the domain prefers that; without NAPTR it does not (§4.1).
  if (chosen.length > 0) return chosen;
  return usual.filter((service) => service.transport !== "tls" && reaches(service.transport));
}

function srvOf(name: string, resolver: Resolver): Promise<readonly SrvRecord[]> {
  return resolver.srv?.(name) ?? Promise.resolve([]);
}

async function targetsOf(
  places: readonly { readonly name: string; readonly port: number }[],
  transport: TransportName,
  { resolver, reaches }: LocateOptions,
): Promise<readonly LocatedServer[]> {
  const found: LocatedServer[] = [];
  for (const { name, port } of places) {
    // One name of several that does not resolve is no reason to give up the others.
    const addresses =
      places.length === 1 ? await resolver.resolve(name) : await resolver.resolve(name).catch(none);
    for (const host of addresses)
      if (reaches(transport, host)) found.push({ host, port, transport });
    if (found.length >= MOST_TARGETS) break;
  }
  return found.slice(0, MOST_TARGETS);
}

function none(): readonly string[] {
  return [];
}

/** RFC 2782: by priority; within one, drawn by weight. A single "." says that there is no service. */
export function inOrder(records: readonly SrvRecord[], random: Random): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const left = records.filter(({ name }) => name !== "" && name !== ".");
  left.sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  while (left.length > 0) {
    const [first] = left;
    const equals = left.filter(({ priority }) => priority === first?.priority);
    const total = equals.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = drawnOf(equals, random.fraction() * total);
    if (drawn === undefined) break;
    ordered.push(drawn);
    left.splice(left.indexOf(drawn), 1);
  }
  return ordered;
}

function drawnOf(equals: readonly SrvRecord[], at: number): SrvRecord | undefined {
  let sum = 0;
  for (const record of equals) {
    sum += record.weight;
    if (sum > at || sum === 0) return record;
  }
  return equals.at(-1);
}
