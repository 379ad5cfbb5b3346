// The weather on the simulated network: losses, duplicates, delays that let packets overtake each other, and cuts.
import type { Random } from "@ims-lab/common/platform/random";
import type { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { type Addresses, directionOf, type Way } from "../scenarios/addresses.ts";

export interface Conditions {
  /** Shares of datagrams, 0 to 1. */
  readonly lost: number;
  readonly doubled: number;
  /** One way, milliseconds: drawn between these for each packet. */
  readonly delayMs: readonly [least: number, most: number];
}

export const FAIR: Conditions = { lost: 0, doubled: 0, delayMs: [2, 2] };

export const WAYS: readonly Way[] = ["UE→P", "P→UE", "P→S", "S→P"];

export class Weather {
  readonly #random: Random;
  #conditions = FAIR;
  #cuts = new Map<Way, () => void>();
  #network: SimulatedNetwork | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  over(network: SimulatedNetwork): void {
    this.#network = network;
    network.drop({}, () => this.#random.fraction() < this.#conditions.lost);
  }

  become(conditions: Conditions): void {
    this.#conditions = conditions;
  }

  get isFair(): boolean {
    return this.#conditions === FAIR && this.#cuts.size === 0;
  }

  latency(): number {
    const [least, most] = this.#conditions.delayMs;
    return least === most ? least : least + (most - least) * this.#random.fraction();
  }

  isDoubled(): boolean {
    const { doubled } = this.#conditions;
    return doubled > 0 && this.#random.fraction() < doubled;
  }

  cut(at: Addresses, way: Way): void {
    const network = this.#network;
    if (network === undefined || this.#cuts.has(way)) return;
    const direction = directionOf(at, way);
    const end = network.cut(direction);
    this.#cuts.set(way, () => {
      end();
      // What was lost on them is not sent again: as if the hosts had given them up meanwhile.
      network.breakStreams(direction);
    });
  }

  heal(way: Way): void {
    this.#cuts.get(way)?.();
    this.#cuts.delete(way);
  }

  clear(): void {
    this.#conditions = FAIR;
    for (const way of [...this.#cuts.keys()]) this.heal(way);
  }
}
