// The fate of one datagram on the damaging wire: itself, damaged, lost, doubled, late, or an older one with it.
import type { Random } from "@ims-lab/common/platform/random";
import { damage } from "./live-mutations.ts";
import { mutate, pick } from "./mutate.ts";

export interface Delivery {
  readonly bytes: Buffer;
  readonly afterMs: number;
}

export interface Passed {
  /** What has passed lately, either way. */
  readonly others: readonly Buffer[];
  /** Well-formed messages that may be thrown in, damaged. */
  readonly corpus: readonly Buffer[];
}

const LATEST_MS = 700;

type Fate = (bytes: Buffer, passed: Passed, random: Random) => readonly Delivery[];

const now = (bytes: Buffer): Delivery => ({ bytes, afterMs: 0 });

const FATES: readonly Fate[] = [
  (bytes, { others }, random) => [now(damage(bytes, others, random))],
  (bytes, { others }, random) => [now(damage(bytes, others, random))],
  // The flow goes on behind the damaged one, or has passed before it.
  (bytes, { others }, random) => [now(damage(bytes, others, random)), now(bytes)],
  (bytes, { others }, random) => [now(damage(bytes, others, random)), now(bytes)],
  (bytes, { others }, random) => [now(bytes), now(damage(bytes, others, random))],
  () => [],
  (bytes) => [now(bytes), now(bytes)],
  (bytes, _passed, random) => [{ bytes, afterMs: random.fraction() * LATEST_MS }],
  (bytes, { others }, random) => [now(bytes), now(pick([bytes, ...others], random))],
  (bytes, { others }, random) => [
    now(bytes),
    now(damage(pick([bytes, ...others], random), others, random)),
  ],
  (bytes, { corpus }, random) => [now(bytes), now(mutate(pick(corpus, random), random))],
];

/** Draws what becomes of a datagram that does not pass unharmed. */
export function fateOf(bytes: Buffer, passed: Passed, random: Random): readonly Delivery[] {
  return pick(FATES, random)(bytes, passed, random);
}
