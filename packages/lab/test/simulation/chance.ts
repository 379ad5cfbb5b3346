// Draws from a repeatable Random in the words of a plan: shares, picks, times between.
import type { Random } from "@ims-lab/common/platform/random";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";

export class Chance {
  readonly #random: Random;

  /** @param purpose two purposes of one seed draw independently */
  constructor(seed: number, purpose: string) {
    let mixed = seed >>> 0;
    for (const char of purpose) mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) >>> 0;
    this.#random = seededRandom(mixed);
  }

  fraction(): number {
    return this.#random.fraction();
  }

  /** @param share 0: never, 1: always */
  is(share: number): boolean {
    return this.#random.fraction() < share;
  }

  /** A whole number from `least` to `most`, both included. */
  from(least: number, most: number): number {
    return least + Math.floor(this.#random.fraction() * (most - least + 1));
  }

  of<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error("nothing to choose from");
    return choices[Math.floor(this.#random.fraction() * choices.length)] as T;
  }

  /** Each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights) as [K, number][];
    const sum = entries.reduce((total, [, weight]) => total + weight, 0);
    let left = this.#random.fraction() * sum;
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    throw new Error("nothing has weight");
  }
}
