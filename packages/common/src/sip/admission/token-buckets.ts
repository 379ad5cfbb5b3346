// A token bucket per source in a bounded table.

export interface BucketSettings {
  /** Tokens that come back per second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
  /** Sources remembered at once; the one that was quiet longest is forgotten first. */
  readonly maxSources: number;
}

/** `far-over`: the source goes on at once with many times what it may. */
export type Taken = "within" | "over" | "far-over";

interface Bucket {
  tokens: number;
  /** Asked for in vain since there was a token last. */
  missed: number;
  at: number;
}

/** Refused so many bursts in a row, a source is not worth an answer any more. */
const PATIENCE_BURSTS = 2;

export class TokenBuckets {
  readonly #settings: BucketSettings;
  /** In the order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: BucketSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** @param now milliseconds */
  take(source: string, now: number): Taken {
    const { perSecond, burst } = this.#settings;
    const bucket = this.#bucketOf(source, now);
    const back = (Math.max(0, now - bucket.at) * perSecond) / 1000;
    bucket.tokens = Math.min(burst, bucket.tokens + back);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      bucket.missed = 0;
      return "within";
    }
    bucket.missed++;
    return bucket.missed > burst * PATIENCE_BURSTS ? "far-over" : "over";
  }

  #bucketOf(source: string, now: number): Bucket {
    const { burst, maxSources } = this.#settings;
    const found = this.#buckets.get(source);
    if (found !== undefined) {
      this.#buckets.delete(source);
      this.#buckets.set(source, found);
      return found;
    }
    const [oldest] = this.#buckets.size >= maxSources ? this.#buckets.keys() : [];
    if (oldest !== undefined) this.#buckets.delete(oldest);
    const fresh: Bucket = { tokens: burst, missed: 0, at: now };
    this.#buckets.set(source, fresh);
    return fresh;
  }
}
