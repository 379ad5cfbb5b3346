// The verdict on growth: nodes must not grow once as much is forgotten as is new.

/** 64*T1 and a little: from here on memory must not grow. */
export const SETTLED_MS = 36_000;
const GROWTH_OCTETS = 100 * 2 ** 20;

/** What was added since `baseline`; undefined without one. Throws when it is too much. */
export function judgeMemory(
  whose: string,
  baseline: number | undefined,
  now: number,
): number | undefined {
  if (baseline === undefined) return undefined;
  const grown = now - baseline;
  if (grown > GROWTH_OCTETS) throw new Error(`memory of ${whose} grew by ${mebibytes(grown)} MiB`);
  return grown;
}

export function mebibytes(octets: number): string {
  return `${octets >= 0 ? "+" : ""}${Math.round(octets / 2 ** 20)}`;
}
