// "Say it once": lets one event per key and period through, in bounded memory.
import type { Clock } from "./clock.ts";

/** True when this key may speak; then it is silent for the period. */
export type LogRateLimit = (key: string) => boolean;

export function logRateLimit(
  clock: Clock,
  milliseconds: number = 60_000,
  /** Keys remembered; when all are recent, new ones stay silent: a flood must not flood the log. */
  maxKeys: number = 1000,
): LogRateLimit {
  // In order of insertion, which is the order of time.
  const silentUntil = new Map<string, number>();
  return (key) => {
    const now = clock.now();
    for (const [old, until] of silentUntil) {
      if (until > now) break;
      silentUntil.delete(old);
    }
    if (silentUntil.has(key) || silentUntil.size >= maxKeys) return false;
    silentUntil.set(key, now + milliseconds);
    return true;
  };
}
