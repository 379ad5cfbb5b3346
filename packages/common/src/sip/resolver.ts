// Host names to addresses, cached (the A/AAAA step of RFC 3263 §4.2).
import { lookup } from "node:dns/promises";
import type { Clock } from "../platform/clock.ts";

export interface Resolver {
  /** Literal addresses of `host`, best first. Rejects or gives none when there is none. */
  resolve(host: string): Promise<readonly string[]>;
}

/** The system gives no lifetime with an address, so it is asked again after this long. */
const CACHE_MS = 30_000;
const CACHE_ENTRIES = 1_000;

interface Cached {
  readonly until: number;
  readonly addresses: Promise<readonly string[]>;
}

/** The system's resolver (hosts file and DNS); failures are not kept. */
export function systemResolver(clock: Clock, ask: Ask = askSystem): Resolver {
  const cache = new Map<string, Cached>();
  return {
    resolve(host) {
      const known = cache.get(host);
      if (known !== undefined && known.until > clock.now()) return known.addresses;
      if (cache.size >= CACHE_ENTRIES) cache.clear();
      const addresses = ask(host).catch((error: unknown) => {
        cache.delete(host);
        throw error;
      });
      cache.set(host, { until: clock.now() + CACHE_MS, addresses });
      return addresses;
    },
  };
}

type Ask = (host: string) => Promise<readonly string[]>;

async function askSystem(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map((entry) => entry.address);
}
