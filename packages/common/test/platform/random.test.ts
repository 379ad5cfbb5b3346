// Random octets come in blocks and are never given out twice.
import { expect, test } from "vitest";
import { cryptoRandom, randomFrom } from "../../src/platform/random.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";

test("draws belong to the caller and do not repeat across blocks", () => {
  const random = cryptoRandom();
  const drawn = new Set<string>();
  for (let count = 0; count < 3000; count++) drawn.add(random.hex(16));
  expect(drawn.size).toBe(3000);
  const kept = random.bytes(16);
  const before = kept.toString("hex");
  for (let count = 0; count < 1000; count++) random.bytes(16);
  expect(kept.toString("hex")).toBe(before);
});

test("sizes: octets, two digits each, fractions below one", () => {
  const random = cryptoRandom();
  expect(random.bytes(0)).toHaveLength(0);
  expect(random.bytes(8192)).toHaveLength(8192);
  expect(random.hex(4)).toMatch(/^[0-9a-f]{8}$/);
  expect(() => random.bytes(8193)).toThrow(RangeError);
  const ones = randomFrom((block) => block.fill(0xff));
  expect(ones.fraction()).toBeLessThan(1);
  expect(randomFrom((block) => block.fill(0)).fraction()).toBe(0);
});

test("one seed, one sequence", () => {
  expect(seededRandom(7).hex(32)).toBe(seededRandom(7).hex(32));
  expect(seededRandom(7).hex(32)).not.toBe(seededRandom(8).hex(32));
});
