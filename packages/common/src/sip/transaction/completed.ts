// Completed non-INVITE transactions over UDP, as octets: what Timers J and K keep of them. RFC 3261 §17.1.2, §17.2.2.
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Flow } from "../transport/transport.ts";

/** A completed transaction as it is taken in. */
export interface Completed {
  readonly key: string;
  /** The response to repeat, or what a list is to say of it; undefined: nothing is repeated. */
  readonly octets: Buffer | string | undefined;
  readonly flow: Flow;
  /** Size of its request. */
  readonly requestOctets: number;
  readonly startedAt: number;
}

/** A completed transaction as it is listed; `octets` hold until the next one is added. */
export interface KeptTransaction {
  readonly key: string;
  readonly octets: Buffer;
  readonly flow: Flow;
  readonly startedAt: number;
  readonly endsAt: number;
}

interface Block {
  readonly bytes: Buffer;
  /** Records that lie in it. */
  live: number;
}

const EMPTY = Buffer.alloc(0);
const CHUNK = 128;

/** What is known of a record lies side by side: finding or dropping one touches a line or two of the processor's cache. */
const HASH = 0;
/** Link to the one before it in its bucket. */
const NEXT = 1;
/** Where its key begins in its block; the octets follow. */
const FROM = 2;
const KEY_LENGTH = 3;
const LENGTH = 4;
const REQUEST_OCTETS = 5;
/** Words of 32 bits; the last four are two times, milliseconds since the epoch. */
const FIELDS = 12;
/** In words of 64 bits. */
const STARTED_AT = 4;
const ENDS_AT = 5;

/** What there is of so many records in a row. */
class Chunk {
  readonly #numbers = new Int32Array(CHUNK * FIELDS);
  readonly #times = new Float64Array(this.#numbers.buffer);
  readonly blocks: (Block | undefined)[] = new Array<undefined>(CHUNK).fill(undefined);
  readonly flows: (Flow | undefined)[] = new Array<undefined>(CHUNK).fill(undefined);

  get(at: number, field: number): number {
    return this.#numbers[at * FIELDS + field] ?? 0;
  }

  set(at: number, field: number, value: number): void {
    this.#numbers[at * FIELDS + field] = value;
  }

  startedAt(at: number): number {
    return this.#times[(at * FIELDS) / 2 + STARTED_AT] ?? 0;
  }

  endsAt(at: number): number {
    return this.#times[(at * FIELDS) / 2 + ENDS_AT] ?? 0;
  }

  setTimes(at: number, startedAt: number, endsAt: number): void {
    this.#times[(at * FIELDS) / 2 + STARTED_AT] = startedAt;
    this.#times[(at * FIELDS) / 2 + ENDS_AT] = endsAt;
  }
}

const NONE = 0;
/** A link is a number's last bits and one, so that a new index is all zeroes. */
const LINK_BITS = 2 ** 29 - 1;
/** In a bucket: behind its newest record there are others. */
const MORE = 2 ** 30;
const FIRST_BUCKETS = 256;

/** The newest record of each bucket with its hash: who is not there is mostly known without a look at any record. */
class Index {
  /** Number of the first record in it. */
  readonly first: number;
  /** How many it takes. */
  readonly capacity: number;
  readonly #mask: number;
  readonly #buckets: Int32Array;

  /** @param buckets a power of two */
  constructor(first: number, buckets: number) {
    this.first = first;
    this.capacity = buckets / 2;
    this.#mask = buckets - 1;
    this.#buckets = new Int32Array(2 * buckets);
  }

  /** The newest link of the bucket, whatever its hash. */
  newest(hash: number): number {
    return (this.#buckets[2 * (hash & this.#mask)] ?? NONE) & ~MORE;
  }

  /** The newest link of the bucket if this hash may be behind it. */
  candidate(hash: number): number {
    const at = 2 * (hash & this.#mask);
    const link = this.#buckets[at] ?? NONE;
    return this.#buckets[at + 1] === hash || (link & MORE) !== 0 ? link & ~MORE : NONE;
  }

  /** @param hasMore whether the newest one of its bucket has not ended */
  put(link: number, hash: number, hasMore: boolean): void {
    const at = 2 * (hash & this.#mask);
    this.#buckets[at] = hasMore ? link | MORE : link;
    this.#buckets[at + 1] = hash;
  }
}

function powerOfTwo(atLeast: number): number {
  return Math.max(FIRST_BUCKETS, 2 ** Math.ceil(Math.log2(atLeast)));
}

/** Each block is twice as large as the last one: a UE has few transactions, a CSCF many. */
const FIRST_BLOCK_OCTETS = 4_096;
const BLOCK_OCTETS = 65_536;
/** Larger records have a block of their own. */
const LARGE_OCTETS = BLOCK_OCTETS / 8;
/** Blocks, and chunks of numbers, kept for the next records; more are given back. */
const MOST_SPARE = 64;
/** How often memory is freed while nothing comes in; what has ended is not found before that either. */
const SWEEP_MS = 1_000;

/**
 * All of one table linger equally long, so they end in the order in which they came: numbers in chunks,
 * octets in blocks, an index that is replaced by a larger one as it fills. The garbage collector sees no
 * object per transaction, and growing copies nothing.
 */
export class CompletedTransactions {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #seed: number;
  /** Numbers of the oldest record and of the next one. */
  #first: number;
  #end: number;
  #octets = 0;
  /** The first one holds the oldest record. */
  #chunks: Chunk[] = [];
  #spareChunks: Chunk[] = [];
  /** Oldest first; each record is in the one that was the newest when it came. */
  #indexes: Index[];
  #block: Block = { bytes: EMPTY, live: 0 };
  #used = 0;
  #spareBlocks: Block[] = [];
  #timer: Timer | undefined;

  /**
   * @param seed of the hash: peers choose the keys, and must not know which ones collide
   * @param first number of the first record
   */
  constructor(clock: Clock, lingerMs: number, seed: number, first = 0) {
    this.#first = first;
    this.#end = first;
    this.#indexes = [new Index(first, FIRST_BUCKETS)];
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.#seed = seed | 0;
  }

  get size(): number {
    this.#dropEnded(this.#clock.now());
    return this.#end - this.#first;
  }

  /** Those that have ended since the last look included: costs no look at the time. */
  get atMost(): number {
    return this.#end - this.#first;
  }

  /** Of their requests. */
  get requestOctets(): number {
    return this.#octets;
  }

  add({ key, octets, flow, requestOctets, startedAt }: Completed): void {
    const now = this.#clock.now();
    this.#dropEnded(now);
    const length = octets?.length ?? 0;
    const block = this.#blockFor(key.length + length);
    const from = block === this.#block ? this.#used : 0;
    block.bytes.write(key, from, "latin1");
    if (typeof octets === "string") block.bytes.write(octets, from + key.length, "latin1");
    else octets?.copy(block.bytes, from + key.length);
    if (block === this.#block) this.#used += key.length + length;
    block.live++;
    const number = this.#end++;
    const chunk = this.#chunkForNext(number);
    const at = number % CHUNK;
    const hash = hashOf(key, this.#seed);
    chunk.set(at, HASH, hash);
    chunk.set(at, NEXT, this.#enter(number, hash));
    chunk.set(at, FROM, from);
    chunk.set(at, KEY_LENGTH, key.length);
    chunk.set(at, LENGTH, length);
    chunk.set(at, REQUEST_OCTETS, requestOctets);
    chunk.setTimes(at, startedAt, now + this.#lingerMs);
    chunk.blocks[at] = block;
    chunk.flows[at] = flow;
    this.#octets += requestOctets;
    this.#timer ??= this.#clock.at(now + this.#lingerMs, this.#sweep);
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** What to repeat and where; undefined: no such transaction. Valid until the next `add`. */
  find(key: string): { readonly octets: Buffer; readonly flow: Flow } | undefined {
    const number = this.#find(key);
    return number === undefined ? undefined : this.#keptAt(number);
  }

  /** Oldest first. */
  list(offset: number, limit: number): readonly KeptTransaction[] {
    this.#dropEnded(this.#clock.now());
    const shown: KeptTransaction[] = [];
    const end = Math.min(this.#end, this.#first + offset + limit);
    for (let number = this.#first + offset; number < end; number++) {
      const kept = this.#keptAt(number);
      if (kept !== undefined) shown.push(kept);
    }
    return shown;
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#first = 0;
    this.#end = 0;
    this.#octets = 0;
    this.#chunks = [];
    this.#spareChunks = [];
    this.#indexes = [new Index(0, FIRST_BUCKETS)];
    this.#block = { bytes: EMPTY, live: 0 };
    this.#used = 0;
    this.#spareBlocks = [];
  }

  #find(key: string): number | undefined {
    if (this.#end === this.#first) return undefined;
    const hash = hashOf(key, this.#seed);
    for (let each = 0; each < this.#indexes.length; each++) {
      // Chains lead from the newest to the oldest: behind one that has ended all have.
      let number = this.#numberOf(this.#indexes[each]?.candidate(hash) ?? NONE);
      while (number !== undefined) {
        const chunk = this.#chunkOf(number);
        const at = number % CHUNK;
        // What nearly every message asks for is not there: time is looked at for those that are.
        if (chunk.get(at, HASH) === hash && isKeyAt(chunk, at, key))
          return chunk.endsAt(at) > this.#clock.now() ? number : undefined;
        number = this.#numberOf(chunk.get(at, NEXT));
      }
    }
    return undefined;
  }

  /** Undefined for one that has been dropped. */
  #numberOf(link: number): number | undefined {
    if (link === NONE) return undefined;
    const offset = (link - 1 - this.#first) & LINK_BITS;
    return offset < this.#end - this.#first ? this.#first + offset : undefined;
  }

  #keptAt(number: number): KeptTransaction | undefined {
    const chunk = this.#chunkOf(number);
    const at = number % CHUNK;
    const flow = chunk.flows[at];
    if (flow === undefined) return undefined;
    const bytes = chunk.blocks[at]?.bytes ?? EMPTY;
    const from = chunk.get(at, FROM);
    const keyEnd = from + chunk.get(at, KEY_LENGTH);
    return {
      key: bytes.toString("latin1", from, keyEnd),
      octets: bytes.subarray(keyEnd, keyEnd + chunk.get(at, LENGTH)),
      flow,
      startedAt: chunk.startedAt(at),
      endsAt: chunk.endsAt(at),
    };
  }

  #chunkOf(number: number): Chunk {
    const chunk = this.#chunks[Math.floor(number / CHUNK) - Math.floor(this.#first / CHUNK)];
    if (chunk === undefined) throw new Error(`no record ${number}`);
    return chunk;
  }

  #chunkForNext(number: number): Chunk {
    if (number % CHUNK === 0 || this.#chunks.length === 0)
      this.#chunks.push(this.#spareChunks.pop() ?? new Chunk());
    return this.#chunkOf(number);
  }

  #indexForNext(number: number): Index {
    const newest = this.#indexes.at(-1);
    if (newest !== undefined && number - newest.first < newest.capacity) return newest;
    // So large that there are two at most while as many come as go.
    const index = new Index(number, powerOfTwo(4 * (number - this.#first)));
    this.#indexes.push(index);
    return index;
  }

  /** Returns the link to the record before it in its bucket. */
  #enter(number: number, hash: number): number {
    const index = this.#indexForNext(number);
    const before = index.newest(hash);
    const hasMore = this.#numberOf(before) !== undefined;
    index.put((number & LINK_BITS) + 1, hash, hasMore);
    return hasMore ? before : NONE;
  }

  #dropEnded(now: number): void {
    while (this.#first < this.#end) {
      const [chunk] = this.#chunks;
      const at = this.#first % CHUNK;
      if (chunk === undefined || chunk.endsAt(at) > now) return;
      this.#octets -= chunk.get(at, REQUEST_OCTETS);
      this.#release(chunk.blocks[at]);
      chunk.blocks[at] = undefined;
      chunk.flows[at] = undefined;
      this.#first++;
      if (this.#first % CHUNK === 0) this.#dropFirstChunk();
      if (this.#first >= (this.#indexes[1]?.first ?? Number.POSITIVE_INFINITY))
        this.#indexes.shift();
    }
  }

  #dropFirstChunk(): void {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined && this.#spareChunks.length < MOST_SPARE) this.#spareChunks.push(chunk);
  }

  #release(block: Block | undefined): void {
    if (block === undefined) return;
    block.live--;
    if (block.live > 0) return;
    if (block === this.#block) this.#used = 0;
    else if (block.bytes.length === BLOCK_OCTETS && this.#spareBlocks.length < MOST_SPARE)
      this.#spareBlocks.push(block);
  }

  #blockFor(octets: number): Block {
    if (octets > LARGE_OCTETS) return { bytes: Buffer.allocUnsafeSlow(octets), live: 0 };
    if (this.#used + octets > this.#block.bytes.length) {
      this.#block = this.#spareBlocks.pop() ?? this.#newBlock(octets);
      this.#used = 0;
    }
    return this.#block;
  }

  #newBlock(octets: number): Block {
    let size = Math.max(FIRST_BLOCK_OCTETS, 2 * this.#block.bytes.length);
    while (size < octets) size *= 2;
    return { bytes: Buffer.allocUnsafeSlow(Math.min(size, BLOCK_OCTETS)), live: 0 };
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now();
    this.#dropEnded(now);
    this.#timer = undefined;
    if (this.#first === this.#end) return;
    const due = this.#chunkOf(this.#first).endsAt(this.#first % CHUNK);
    this.#timer = this.#clock.at(Math.max(due, now + SWEEP_MS), this.#sweep);
  };
}

function isKeyAt(chunk: Chunk, at: number, key: string): boolean {
  if (chunk.get(at, KEY_LENGTH) !== key.length) return false;
  const bytes = chunk.blocks[at]?.bytes ?? EMPTY;
  const from = chunk.get(at, FROM);
  for (let index = 0; index < key.length; index++)
    if (bytes[from + index] !== key.charCodeAt(index)) return false;
  return true;
}

const SCRATCH = Buffer.alloc(512);
const WORDS = new Int32Array(SCRATCH.buffer, SCRATCH.byteOffset, SCRATCH.length / 4);

/** Multiplies by a secret: which texts collide differs from seed to seed. */
function hashOf(text: string, seed: number): number {
  const { length } = text;
  if (length > SCRATCH.length - 4) return hashOfLong(text, seed);
  SCRATCH.write(text, "latin1");
  SCRATCH[length] = 0;
  SCRATCH[length + 1] = 0;
  SCRATCH[length + 2] = 0;
  const factor = seed | 1;
  let hash = seed;
  for (let at = 0; at < length; at += 4) {
    hash = Math.imul(hash ^ (WORDS[at >> 2] ?? 0), factor);
    hash ^= hash >>> 15;
  }
  return hash;
}

function hashOfLong(text: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), seed | 1);
    hash ^= hash >>> 15;
  }
  return hash;
}
