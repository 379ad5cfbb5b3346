// Latency histogram: percentiles near the exact ones, in bounded room.
import fc from "fast-check";
import { expect, test } from "vitest";
import { NO_LATENCIES, percentilesOf, withLatency } from "../../src/campaigns/latency-histogram.ts";

test("nothing counted, no percentiles", () => {
  expect(percentilesOf(NO_LATENCIES)).toBeUndefined();
});

test("each percentile is within 5 % and a millisecond of the exact one; the greatest is exact", () => {
  const latency = fc.integer({ min: 1, max: 4_000_000 });
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), (all) => {
      const found = percentilesOf(all.reduce(withLatency, NO_LATENCIES));
      const sorted = [...all].sort((a, b) => a - b);
      for (const [name, share] of [
        ["p50", 0.5],
        ["p90", 0.9],
        ["p99", 0.99],
        ["max", 1],
      ] as const) {
        const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
        const near = name === "max" ? 0 : exact * 0.05 + 1;
        expect(Math.abs((found?.[name] ?? 0) - exact)).toBeLessThanOrEqual(near);
      }
    }),
  );
});

test("whatever is counted, there are few buckets", () => {
  const odd = [0, -5, 0.2, 1e30, Number.MAX_SAFE_INTEGER];
  const all = Array.from({ length: 5_000 }, (_, n) => 1.01 ** n).concat(odd);
  const { counts } = all.reduce(withLatency, NO_LATENCIES);
  expect(Object.keys(counts).length).toBeLessThan(340);
  expect(Object.values(counts).reduce((a, b) => a + b)).toBe(all.length);
});
