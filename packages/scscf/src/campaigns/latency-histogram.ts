// Latencies as counts per bucket, each 9 % wide: bounded whatever is counted, and plain data for the store.

/** Buckets by number, those that have any. */
export interface LatencyHistogram {
  readonly counts: Readonly<Record<string, number>>;
  /** Milliseconds; exact. */
  readonly max: number;
}

export interface LatencyPercentiles {
  /** Milliseconds, within 5 %. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export const NO_LATENCIES: LatencyHistogram = { counts: {}, max: 0 };

const PER_OCTAVE = 8;
/** More than the longest registration, 2^32 s in milliseconds. */
const LAST = 42 * PER_OCTAVE;

export function withLatency({ counts, max }: LatencyHistogram, ms: number): LatencyHistogram {
  const bucket = bucketOf(ms);
  return {
    counts: { ...counts, [bucket]: (counts[bucket] ?? 0) + 1 },
    max: Math.max(max, Math.round(ms)),
  };
}

/** Undefined where nothing was counted. */
export function percentilesOf(histogram: LatencyHistogram): LatencyPercentiles | undefined {
  const buckets = Object.entries(histogram.counts)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .sort((a, b) => a.bucket - b.bucket);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return undefined;
  const { max } = histogram;
  const at = (share: number): number => {
    let upTo = 0;
    for (const { bucket, count } of buckets) {
      upTo += count;
      if (upTo >= share * total) return Math.min(max, middleOf(bucket));
    }
    return max;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max };
}

function bucketOf(ms: number): number {
  return Math.min(LAST, Math.max(0, Math.floor(PER_OCTAVE * Math.log2(Math.max(1, ms)))));
}

function middleOf(bucket: number): number {
  return Math.round(2 ** ((bucket + 0.5) / PER_OCTAVE));
}
