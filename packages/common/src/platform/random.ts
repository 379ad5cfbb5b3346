// Chance as an argument: the only file that draws random octets.
import { randomFillSync } from "node:crypto";

export interface Random {
  /** `length` octets that belong to the caller. */
  bytes(length: number): Buffer;
  /** 2·`octets` lower-case hexadecimal digits. */
  hex(octets: number): string;
  /** A number from 0 (included) to 1 (excluded). */
  fraction(): number;
}

/** One system call fills this many octets: many times cheaper than a call per draw. */
const BLOCK = 8192;

/** Random on top of anything that fills a buffer. */
export function randomFrom(fill: (block: Buffer) => void): Random {
  const block = Buffer.alloc(BLOCK);
  let used = BLOCK;
  function take(length: number): number {
    if (length > BLOCK) throw new RangeError(`at most ${BLOCK} octets at once, not ${length}`);
    if (used + length > BLOCK) {
      fill(block);
      used = 0;
    }
    used += length;
    return used - length;
  }
  return {
    bytes(length) {
      const at = take(length);
      return Buffer.from(block.subarray(at, at + length));
    },
    hex(octets) {
      const at = take(octets);
      return block.toString("hex", at, at + octets);
    },
    fraction() {
      return block.readUInt32BE(take(4)) / 2 ** 32;
    },
  };
}

/** Octets from the operating system's generator. */
export function cryptoRandom(): Random {
  return randomFrom((block) => {
    randomFillSync(block);
  });
}
