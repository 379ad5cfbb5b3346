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

/** The numbers of as many records in a row. */
class Chunk {
  readonly hash = new Int32Array(CHUNK);
  /** Link to the one before it in its bucket. */
  readonly next = new Int32Array(CHUNK);
  /** Where its key begins in its block; the octets follow. */
  readonly from = new Int32Array(CHUNK);
  readonly keyLength = new Int32Array(CHUNK);
  readonly length = new Int32Array(CHUNK);
  readonly requestOctets = new Int32Array(CHUNK);
  readonly startedAt = new Float64Array(CHUNK);
  readonly endsAt = new Float64Array(CHUNK);
  readonly blocks: (Block | undefined)[] = new Array<undefined>(CHUNK).fill(undefined);
  readonly flows: (Flow | undefined)[] = new Array<undefined>(CHUNK).fill(undefined);
}

const NONE = 0;
const LINK_BITS = 2 ** 30 - 1;
const FIRST_BUCKETS = 256;

/** The newest record of each bucket, as a link: its number and one, so that a new index is all zeroes. */
class Index {
  /** Number of the first record in it. */
  readonly first: number;
  readonly capacity: number;
  readonly #buckets: Int32Array;

  /** @param capacity a power of two */
  constructor(first: number, capacity: number) {
    this.first = first;
    this.capacity = capacity;
    this.#buckets = new Int32Array(capacity);
  }

  get(hash: number): number {
    return this.#buckets[hash & (this.capacity - 1)] ?? NONE;
  }

  /** Returns the link to what was there before. */
  put(number: number, hash: number): number {
    const bucket = hash & (this.capacity - 1);
    const before = this.#buckets[bucket] ?? NONE;
    this.#buckets[bucket] = (number & LINK_BITS) + 1;
    return before;
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
    this.#seed = seed;
  }

  get size(): number {
    this.#dropEnded(this.#clock.now());
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
    chunk.from[at] = from;
    chunk.keyLength[at] = key.length;
    chunk.length[at] = length;
    chunk.requestOctets[at] = requestOctets;
    chunk.startedAt[at] = startedAt;
    chunk.endsAt[at] = now + this.#lingerMs;
    chunk.blocks[at] = block;
    chunk.flows[at] = flow;
    chunk.hash[at] = hashOf(key, this.#seed);
    chunk.next[at] = this.#indexForNext(number).put(number, chunk.hash[at] ?? 0);
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
    this.#dropEnded(this.#clock.now());
    const hash = hashOf(key, this.#seed);
    for (const index of this.#indexes) {
      // Chains lead from the newest to the oldest: behind one that has ended all have.
      let number = this.#numberOf(index.get(hash));
      while (number !== undefined) {
        const chunk = this.#chunkOf(number);
        const at = number % CHUNK;
        if (chunk.hash[at] === hash && isKeyAt(chunk, at, key)) return number;
        number = this.#numberOf(chunk.next[at] ?? NONE);
      }
    }
    return undefined;
  }

  /** @param link as an index and a chain have it: 31 bits of the number, so that it fits for ever */
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
    const from = chunk.from[at] ?? 0;
    const keyEnd = from + (chunk.keyLength[at] ?? 0);
    return {
      key: bytes.toString("latin1", from, keyEnd),
      octets: bytes.subarray(keyEnd, keyEnd + (chunk.length[at] ?? 0)),
      flow,
      startedAt: chunk.startedAt[at] ?? 0,
      endsAt: chunk.endsAt[at] ?? 0,
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
    // Twice what lives now: as large as the last one where as many come as go.
    const index = new Index(number, powerOfTwo(2 * (number - this.#first)));
    this.#indexes.push(index);
    return index;
  }

  #dropEnded(now: number): void {
    while (this.#first < this.#end) {
      const [chunk] = this.#chunks;
      const at = this.#first % CHUNK;
      if (chunk === undefined || (chunk.endsAt[at] ?? 0) > now) return;
      this.#octets -= chunk.requestOctets[at] ?? 0;
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
    const due = this.#chunkOf(this.#first).endsAt[this.#first % CHUNK] ?? now;
    this.#timer = this.#clock.at(Math.max(due, now + SWEEP_MS), this.#sweep);
  };
}

function isKeyAt(chunk: Chunk, at: number, key: string): boolean {
  if (chunk.keyLength[at] !== key.length) return false;
  const bytes = chunk.blocks[at]?.bytes ?? EMPTY;
  const from = chunk.from[at] ?? 0;
  for (let index = 0; index < key.length; index++)
    if (bytes[from + index] !== key.charCodeAt(index)) return false;
  return true;
}

/** Shifts between the products: no two texts collide under every seed. */
function hashOf(text: string, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return hash;
}
