// A repeatable Random for tests and simulations (mulberry32; not for secrets).
import { type Random, randomFrom } from "../platform/random.ts";

export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  return randomFrom((block) => {
    for (let at = 0; at < block.length; at += 4) {
      state = (state + 0x6d2b79f5) >>> 0;
      let word = Math.imul(state ^ (state >>> 15), state | 1);
      word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
      block.writeUInt32BE((word ^ (word >>> 14)) >>> 0, at);
    }
  });
}
