// The times at which a wire does harm: by a seeded chance that changes as the run goes on, and never while it is honest.
import type { Random } from "@ims-lab/common/platform/random";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { pick } from "./mutate.ts";

/** Little lets flows go deep, much breaks every one of them: each holds for so many messages. */
const SHARES = [0.02, 0.05, 0.15, 0.4] as const;
const SHARE_HOLDS = 150;
const REMEMBERED = 300;

export class DamageSource {
  readonly random: Random;
  /** What has passed lately, as it was sent. */
  readonly passed: Buffer[] = [];
  honest = true;
  /** So many did not pass as they were. */
  harmed = 0;
  #share: number;
  #left = SHARE_HOLDS;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.#share = pick(SHARES, this.random);
  }

  /** Whether this one is harmed. */
  strikes(): boolean {
    if (this.honest) return false;
    this.#left -= 1;
    if (this.#left === 0) {
      this.#share = pick(SHARES, this.random);
      this.#left = SHARE_HOLDS;
    }
    if (this.random.fraction() >= this.#share) return false;
    this.harmed += 1;
    return true;
  }

  remember(bytes: Buffer): void {
    this.passed.push(bytes);
    if (this.passed.length > REMEMBERED) this.passed.shift();
  }
}
