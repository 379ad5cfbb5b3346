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

const BLOCK_OCTETS = 65_536;
/** Larger records have a block of their own. */
const LARGE_OCTETS = BLOCK_OCTETS / 8;
/** Blocks kept for the next records; more are given back. */
const MOST_SPARE = 64;
const FIRST_CAPACITY = 256;
/** How far apart memory is freed while nothing comes in; what has ended is not found before that either. */
const SWEEP_MS = 1_000;
const NONE = -1;

/**
 * All of one table linger equally long, so they end in the order in which they came: a ring of numbers,
 * a hash index over it and blocks of octets. The garbage collector sees no object per transaction.
 */
export class CompletedTransactions {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #seed: number;
  /** Absolute numbers of the oldest record and of the next one. */
  #first = 0;
  #end = 0;
  #octets = 0;
  #ring: Ring;
  #blocks: (Block | undefined)[] = [];
  #flows: (Flow | undefined)[] = [];
  #block: Block = { bytes: Buffer.alloc(0), live: 0 };
  #used = 0;
  #spare: Block[] = [];
  #timer: Timer | undefined;

  /** @param seed of the hash: peers choose the keys, and must not know which ones collide */
  constructor(clock: Clock, lingerMs: number, seed: number) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.#seed = seed;
    this.#ring = new Ring(FIRST_CAPACITY);
  }

  get size(): number {
    this.#dropEnded(this.#clock.now());
    return this.#end - this.#first;
  }

  /** Of their requests. */
  get requestOctets(): number {
    return this.#octets;
  }

  add(completed: Completed): void {
    const now = this.#clock.now();
    this.#dropEnded(now);
    if (this.#end - this.#first === this.#ring.capacity) this.#grow();
    const { key, octets, flow, requestOctets, startedAt } = completed;
    const length = octets?.length ?? 0;
    const block = this.#blockFor(key.length + length);
    const at = block === this.#block ? this.#used : 0;
    block.bytes.write(key, at, "latin1");
    if (typeof octets === "string") block.bytes.write(octets, at + key.length, "latin1");
    else octets?.copy(block.bytes, at + key.length);
    if (block === this.#block) this.#used += key.length + length;
    block.live++;
    const ring = this.#ring;
    const slot = this.#end++ & ring.mask;
    ring.at[slot] = at;
    ring.keyLength[slot] = key.length;
    ring.length[slot] = length;
    ring.requestOctets[slot] = requestOctets;
    ring.startedAt[slot] = startedAt;
    ring.endsAt[slot] = now + this.#lingerMs;
    ring.link(slot, hashOf(key, this.#seed));
    this.#blocks[slot] = block;
    this.#flows[slot] = flow;
    this.#octets += requestOctets;
    this.#timer ??= this.#clock.at(now + this.#lingerMs, this.#sweep);
  }

  has(key: string): boolean {
    return this.#find(key) !== NONE;
  }

  /** What to repeat and where; undefined: no such transaction. Valid until the next `add`. */
  find(key: string): { readonly octets: Buffer; readonly flow: Flow } | undefined {
    const slot = this.#find(key);
    const flow = slot === NONE ? undefined : this.#flows[slot];
    return flow && { octets: this.#octetsAt(slot), flow };
  }

  /** Oldest first. */
  list(offset: number, limit: number): readonly KeptTransaction[] {
    this.#dropEnded(this.#clock.now());
    const ring = this.#ring;
    const shown: KeptTransaction[] = [];
    const end = Math.min(this.#end, this.#first + offset + limit);
    for (let number = this.#first + offset; number < end; number++) {
      const slot = number & ring.mask;
      const flow = this.#flows[slot];
      const at = ring.at[slot] ?? 0;
      const key = this.#bytesAt(slot).toString("latin1", at, at + (ring.keyLength[slot] ?? 0));
      if (flow === undefined) continue;
      const [startedAt = 0, endsAt = 0] = [ring.startedAt[slot], ring.endsAt[slot]];
      shown.push({ key, octets: this.#octetsAt(slot), flow, startedAt, endsAt });
    }
    return shown;
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#first = 0;
    this.#end = 0;
    this.#octets = 0;
    this.#ring = new Ring(FIRST_CAPACITY);
    this.#blocks = [];
    this.#flows = [];
    this.#spare = [];
    this.#block = { bytes: Buffer.alloc(0), live: 0 };
    this.#used = 0;
  }

  #find(key: string): number {
    if (this.#end === this.#first) return NONE;
    this.#dropEnded(this.#clock.now());
    const hash = hashOf(key, this.#seed);
    const ring = this.#ring;
    for (let slot = ring.firstOf(hash); slot !== NONE; slot = ring.next[slot] ?? NONE) {
      if (ring.hash[slot] === hash && this.#isKeyOf(slot, key)) return slot;
    }
    return NONE;
  }

  #isKeyOf(slot: number, key: string): boolean {
    if (this.#ring.keyLength[slot] !== key.length) return false;
    const bytes = this.#bytesAt(slot);
    const at = this.#ring.at[slot] ?? 0;
    for (let index = 0; index < key.length; index++)
      if (bytes[at + index] !== key.charCodeAt(index)) return false;
    return true;
  }

  #bytesAt(slot: number): Buffer {
    return this.#blocks[slot]?.bytes ?? EMPTY;
  }

  #octetsAt(slot: number): Buffer {
    const from = (this.#ring.at[slot] ?? 0) + (this.#ring.keyLength[slot] ?? 0);
    return this.#bytesAt(slot).subarray(from, from + (this.#ring.length[slot] ?? 0));
  }

  #dropEnded(now: number): void {
    const ring = this.#ring;
    while (this.#first < this.#end) {
      const slot = this.#first & ring.mask;
      if ((ring.endsAt[slot] ?? 0) > now) return;
      ring.unlink(slot);
      this.#octets -= ring.requestOctets[slot] ?? 0;
      this.#release(this.#blocks[slot]);
      this.#blocks[slot] = undefined;
      this.#flows[slot] = undefined;
      this.#first++;
    }
  }

  #release(block: Block | undefined): void {
    if (block === undefined) return;
    block.live--;
    if (block.live > 0) return;
    if (block === this.#block) this.#used = 0;
    else if (block.bytes.length === BLOCK_OCTETS && this.#spare.length < MOST_SPARE)
      this.#spare.push(block);
  }

  #blockFor(octets: number): Block {
    if (octets > LARGE_OCTETS) return { bytes: Buffer.allocUnsafeSlow(octets), live: 0 };
    if (this.#used + octets > this.#block.bytes.length) {
      this.#block = this.#spare.pop() ?? { bytes: Buffer.allocUnsafeSlow(BLOCK_OCTETS), live: 0 };
      this.#used = 0;
    }
    return this.#block;
  }

  #grow(): void {
    const old = this.#ring;
    const ring = new Ring(old.capacity * 2);
    const blocks: (Block | undefined)[] = [];
    const flows: (Flow | undefined)[] = [];
    const count = this.#end - this.#first;
    for (let to = 0; to < count; to++) {
      const from = (this.#first + to) & old.mask;
      ring.copy(old, from, to);
      blocks.push(this.#blocks[from]);
      flows.push(this.#flows[from]);
    }
    this.#ring = ring;
    this.#blocks = blocks;
    this.#flows = flows;
    this.#first = 0;
    this.#end = count;
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now();
    this.#dropEnded(now);
    this.#timer = undefined;
    if (this.#first === this.#end) return;
    const due = this.#ring.endsAt[this.#first & this.#ring.mask] ?? now;
    this.#timer = this.#clock.at(Math.max(due, now + SWEEP_MS), this.#sweep);
  };
}

const EMPTY = Buffer.alloc(0);

/** The numbers of all records, and chains of those whose hashes share a bucket. */
class Ring {
  readonly capacity: number;
  readonly mask: number;
  readonly hash: Int32Array;
  readonly next: Int32Array;
  readonly at: Int32Array;
  readonly keyLength: Int32Array;
  readonly length: Int32Array;
  readonly requestOctets: Int32Array;
  readonly startedAt: Float64Array;
  readonly endsAt: Float64Array;
  readonly #buckets: Int32Array;

  /** @param capacity a power of two */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.mask = capacity - 1;
    this.hash = new Int32Array(capacity);
    this.next = new Int32Array(capacity);
    this.at = new Int32Array(capacity);
    this.keyLength = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.requestOctets = new Int32Array(capacity);
    this.startedAt = new Float64Array(capacity);
    this.endsAt = new Float64Array(capacity);
    this.#buckets = new Int32Array(2 * capacity).fill(NONE);
  }

  firstOf(hash: number): number {
    return this.#buckets[hash & (2 * this.capacity - 1)] ?? NONE;
  }

  link(slot: number, hash: number): void {
    const bucket = hash & (2 * this.capacity - 1);
    this.hash[slot] = hash;
    this.next[slot] = this.#buckets[bucket] ?? NONE;
    this.#buckets[bucket] = slot;
  }

  unlink(slot: number): void {
    const bucket = (this.hash[slot] ?? 0) & (2 * this.capacity - 1);
    const next = this.next[slot] ?? NONE;
    let other = this.#buckets[bucket] ?? NONE;
    if (other === slot) {
      this.#buckets[bucket] = next;
      return;
    }
    while (other !== NONE && this.next[other] !== slot) other = this.next[other] ?? NONE;
    if (other !== NONE) this.next[other] = next;
  }

  copy(from: Ring, slot: number, to: number): void {
    this.at[to] = from.at[slot] ?? 0;
    this.keyLength[to] = from.keyLength[slot] ?? 0;
    this.length[to] = from.length[slot] ?? 0;
    this.requestOctets[to] = from.requestOctets[slot] ?? 0;
    this.startedAt[to] = from.startedAt[slot] ?? 0;
    this.endsAt[to] = from.endsAt[slot] ?? 0;
    this.link(to, from.hash[slot] ?? 0);
  }
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
