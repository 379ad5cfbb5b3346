// Ways to damage a message, each drawn by chance: octets, lines, lengths, sizes.
import type { Random } from "@ims-lab/common/platform/random";

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** One to four mutations, one after the other. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let damaged = bytes;
  const times = 1 + index(random, 4);
  for (let time = 0; time < times; time++) damaged = pick(MUTATIONS, random)(damaged, random);
  return damaged;
}

export function pick<T>(choices: readonly T[], random: Random): T {
  const choice = choices[index(random, choices.length)];
  if (choice === undefined) throw new RangeError("nothing to choose from");
  return choice;
}

function index(random: Random, length: number): number {
  return Math.floor(random.fraction() * length);
}

function splice(bytes: Buffer, from: number, to: number, put: Buffer | string): Buffer {
  const middle = typeof put === "string" ? Buffer.from(put, "latin1") : put;
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
}

/** Rewrites the lines of the message as text. */
function lines(change: (lines: string[], random: Random) => void): Mutation {
  return (bytes, random) => {
    const all = bytes.toString("latin1").split("\r\n");
    change(all, random);
    return Buffer.from(all.join("\r\n"), "latin1");
  };
}

const NASTY = [
  "\0",
  "\r",
  "\n",
  "\r\n",
  "\r\n ",
  "\r\n\r\n",
  "\t",
  '"',
  "\\",
  "<",
  ">",
  ";",
  ",",
  "=",
  "@",
  "%",
  "%00",
  "%zz",
  "\u00ff",
  "\u00c3\u0028",
  "-1",
  "4294967296",
  "99999999999999999999",
  "sip:",
  "sips:[::1]:0",
  "tel:+",
  ";lr;lr",
  ";tag=",
  "z9hG4bK",
  "*",
] as const;

const HUGE = [200, 1_000, 8_000, 30_000] as const;

const MUTATIONS: readonly Mutation[] = [
  // one octet
  (bytes, random) => {
    const at = index(random, bytes.length);
    return splice(bytes, at, at + 1, random.bytes(1));
  },
  // a bit
  (bytes, random) => {
    const bent = Buffer.from(bytes);
    const at = index(random, bent.length);
    if (bent.length > 0) bent[at] = (bent[at] ?? 0) ^ (1 << index(random, 8));
    return bent;
  },
  // cut off
  (bytes, random) => bytes.subarray(0, index(random, bytes.length + 1)),
  // a hole
  (bytes, random) => {
    const at = index(random, bytes.length);
    return splice(bytes, at, at + index(random, 40), "");
  },
  // something nasty put in
  (bytes, random) => {
    const at = index(random, bytes.length + 1);
    return splice(bytes, at, at, pick(NASTY, random));
  },
  // something nasty instead of a word
  (bytes, random) => {
    const words = [...bytes.toString("latin1").matchAll(/[\w.@:-]+/g)];
    if (words.length === 0) return bytes;
    const word = pick(words, random);
    return splice(bytes, word.index, word.index + word[0].length, pick(NASTY, random));
  },
  // a number made another
  (bytes, random) => {
    const numbers = [...bytes.toString("latin1").matchAll(/\d+/g)];
    if (numbers.length === 0) return bytes;
    const number = pick(numbers, random);
    const other = pick(["0", "1", "255", "256", "2147483648", "4294967295", "1e9", "-7"], random);
    return splice(bytes, number.index, number.index + number[0].length, other);
  },
  // something huge
  (bytes, random) => {
    const at = index(random, bytes.length + 1);
    const character = pick(["a", "0", " ", ";a", ",", "%41", "<", '"', "(", "\u00ff"], random);
    return splice(bytes, at, at, character.repeat(pick(HUGE, random)));
  },
  lines((all, random) => all.splice(index(random, all.length), 1)),
  lines((all, random) => {
    const line = pick(all, random);
    all.splice(index(random, all.length), 0, line);
  }),
  lines((all, random) => {
    const line = pick(all, random);
    for (let times = 0; times < 200; times++) all.splice(1, 0, line);
  }),
  lines((all, random) => {
    const at = index(random, all.length);
    all[at] = (all[at] ?? "").replace(/[:;,]/g, (mark) => `${mark}\r\n\t `);
  }),
  lines((all, random) => {
    const at = index(random, all.length);
    all[at] = (all[at] ?? "").toUpperCase();
  }),
  lines((all, random) => {
    const [a, b] = [index(random, all.length), index(random, all.length)];
    [all[a], all[b]] = [all[b] ?? "", all[a] ?? ""];
  }),
  lines((all, random) => {
    const length = pick(["-1", "0", "1", "65536", "4294967296", "0x10", "", " 1 1"], random);
    all.splice(1, 0, `Content-Length: ${length}`);
  }),
];
