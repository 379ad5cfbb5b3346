// DNS as RFC 3263 needs it: addresses, SRV and NAPTR records, cached within bounds.
import { lookup, Resolver as NodeResolver } from "node:dns/promises";
import type { Clock } from "../../platform/clock.ts";

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface NaptrRecord {
  readonly service: string;
  readonly replacement: string;
  readonly order: number;
  readonly preference: number;
}

export interface Resolver {
  /** Literal addresses of `host`, best first. Rejects or gives none when there is none. */
  resolve(host: string): Promise<readonly string[]>;
  /** None when there is none; absent: this resolver knows addresses only. */
  srv?(name: string): Promise<readonly SrvRecord[]>;
  naptr?(host: string): Promise<readonly NaptrRecord[]>;
}

/** What is asked over the network, without a memory. */
export interface Dns {
  addresses(host: string): Promise<readonly Address[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  naptr(host: string): Promise<readonly NaptrRecord[]>;
}

export interface Address {
  readonly address: string;
  /** Absent where the system does not say (its hosts file has no lifetimes). */
  readonly ttlSeconds?: number;
}

/** An answer is kept this long at least and at most, whatever its lifetime says. */
const TTL_MS = { least: 5_000, usual: 30_000, most: 3_600_000 };
const CACHE_ENTRIES = 1_000;

interface Cached<T> {
  until: number;
  readonly found: Promise<T>;
}

/** The system's resolver: hosts file and DNS for addresses, DNS for the rest. */
export function systemResolver(clock: Clock, dns: Dns = systemDns()): Required<Resolver> {
  const addresses = cached(clock, async (host: string) => {
    const found = await dns.addresses(host);
    const lifetimes = found.map(({ ttlSeconds }) => (ttlSeconds ?? Number.NaN) * 1000);
    return { value: found.map(({ address }) => address), lifetimeMs: Math.min(...lifetimes) };
  });
  const srv = cached(clock, async (name: string) => ({ value: await orNone(dns.srv(name)) }));
  const naptr = cached(clock, async (host: string) => ({ value: await orNone(dns.naptr(host)) }));
  return { resolve: addresses, srv, naptr };
}

interface Found<T> {
  readonly value: T;
  readonly lifetimeMs?: number;
}

/** Failures are not kept: the next request asks again. */
function cached<T>(
  clock: Clock,
  ask: (name: string) => Promise<Found<T>>,
): (name: string) => Promise<T> {
  const cache = new Map<string, Cached<T>>();
  return (name) => {
    const known = cache.get(name);
    if (known !== undefined && known.until > clock.now()) return known.found;
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    const entry: Cached<T> = {
      until: clock.now() + TTL_MS.usual,
      found: ask(name).then(
        ({ value, lifetimeMs = Number.NaN }) => {
          if (Number.isFinite(lifetimeMs)) entry.until = clock.now() + bounded(lifetimeMs);
          return value;
        },
        (error: unknown) => {
          cache.delete(name);
          throw error;
        },
      ),
    };
    cache.set(name, entry);
    return entry.found;
  };
}

function bounded(lifetimeMs: number): number {
  return Math.min(Math.max(lifetimeMs, TTL_MS.least), TTL_MS.most);
}

/** No such name, no such records, or no DNS at all: the same to RFC 3263, which then goes on. */
function orNone<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  return asked.catch(() => []);
}

/** @param servers `address[:port]` of name servers instead of the system's resolver */
export function systemDns(servers?: readonly string[]): Dns {
  const resolver = new NodeResolver({ timeout: 1_500, tries: 2 });
  if (servers !== undefined) resolver.setServers([...servers]);
  return {
    addresses: servers === undefined ? systemAddresses : (host) => dnsAddresses(resolver, host),
    srv: (name) => resolver.resolveSrv(name),
    naptr: (host) => resolver.resolveNaptr(host),
  };
}

async function systemAddresses(host: string): Promise<readonly Address[]> {
  return lookup(host, { all: true });
}

async function dnsAddresses(resolver: NodeResolver, host: string): Promise<readonly Address[]> {
  const [six, four] = await Promise.allSettled([
    resolver.resolve6(host, { ttl: true }),
    resolver.resolve4(host, { ttl: true }),
  ]);
  const found = [six, four].flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  if (found.length === 0 && four.status === "rejected") throw four.reason;
  return found.map(({ address, ttl }) => ({ address, ttlSeconds: ttl }));
}
