// Finds the messages in a stream of octets: RFC 3261 §18.3, §7.5; keep-alives of RFC 5626 §3.5.1.
import { lengthInHead } from "./content-length.ts";

/** What the stream held, in order. `bytes` belongs to the caller. */
export type Frame =
  | { readonly kind: "message"; readonly bytes: Buffer }
  | { readonly kind: "line-ends"; readonly count: number } // so many CRLF between messages
  | { readonly kind: "rejected"; readonly reason: string }; // nothing after it can be framed

const CR = 0x0d;
const LF = 0x0a;
const HEAD_END = Buffer.from("\r\n\r\n");
const FIRST_ALLOCATION = 2048;

/**
 * Feed it chunks in order. It reads of a head what the decoder will read, but no more than Content-Length, copies only what
 * arrives in pieces, and holds at most one message of `maxBytes`.
 */
export class Framer {
  readonly #maxBytes: number;
  /** The beginning of a message whose rest has not arrived; `#held` octets of it are filled. */
  #partial: Buffer | undefined;
  #held = 0;
  /** Octets of the message under way once its head is whole, else 0. */
  #expected = 0;
  #lineEndOctets = 0;
  #rejected = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True while a message has begun and is not whole. */
  get pending(): boolean {
    return this.#partial !== undefined;
  }

  /** Every frame that `chunk` completes. After a rejection there are no more. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length && !this.#rejected) {
      at =
        this.#partial === undefined
          ? this.#takeWhole(chunk, at, frames)
          : this.#takeRest(this.#partial, chunk, at, frames);
    }
    this.#countLineEnds(frames);
    return frames;
  }

  /** A message that begins at or after `at`; returns where to go on. */
  #takeWhole(chunk: Buffer, at: number, frames: Frame[]): number {
    const start = this.#skipLineEnds(chunk, at);
    if (start === chunk.length) return start;
    this.#countLineEnds(frames);
    this.#lineEndOctets = 0;
    const headEnd = chunk.indexOf(HEAD_END, start);
    if (headEnd < 0) return this.#hold(chunk, start, 0, frames);
    const length = this.#lengthOf(chunk, start, headEnd + 4, frames);
    if (length === undefined) return chunk.length;
    const end = start + length;
    if (end > chunk.length) return this.#hold(chunk, start, length, frames);
    const whole = start === 0 && end === chunk.length;
    frames.push({ kind: "message", bytes: whole ? chunk : chunk.subarray(start, end) });
    return end;
  }

  #hold(chunk: Buffer, start: number, expected: number, frames: Frame[]): number {
    const held = chunk.length - start;
    if (held > this.#maxBytes) return this.#reject(TOO_LARGE, frames, chunk);
    const size = expected > 0 ? expected : Math.max(FIRST_ALLOCATION, 2 * held);
    this.#partial = Buffer.allocUnsafeSlow(size);
    chunk.copy(this.#partial, 0, start);
    this.#held = held;
    this.#expected = expected;
    return chunk.length;
  }

  /** Adds to the message under way, never more than belongs to it. */
  #takeRest(partial: Buffer, chunk: Buffer, at: number, frames: Frame[]): number {
    if (this.#expected > 0) return this.#takeBody(partial, chunk, at, frames);
    // The end of the head may lie across the border: three octets of it may be here already.
    const scanFrom = Math.max(0, this.#held - 3);
    const room = this.#maxBytes - this.#held;
    const taken = Math.min(chunk.length - at, room);
    const grown = grow(partial, this.#held, this.#held + taken);
    this.#partial = grown;
    chunk.copy(grown, this.#held, at, at + taken);
    const filled = this.#held + taken;
    const headEnd = grown.subarray(0, filled).indexOf(HEAD_END, scanFrom);
    if (headEnd < 0) {
      if (filled >= this.#maxBytes) return this.#reject(TOO_LARGE, frames, chunk);
      this.#held = filled;
      return at + taken;
    }
    const head = headEnd + 4;
    const length = this.#lengthOf(grown, 0, head, frames);
    if (length === undefined) return chunk.length;
    const used = head - this.#held;
    this.#partial = grow(grown, head, length);
    this.#held = head;
    this.#expected = length;
    return this.#takeBody(this.#partial, chunk, at + used, frames);
  }

  #takeBody(partial: Buffer, chunk: Buffer, at: number, frames: Frame[]): number {
    const taken = Math.min(chunk.length - at, this.#expected - this.#held);
    chunk.copy(partial, this.#held, at, at + taken);
    this.#held += taken;
    if (this.#held === this.#expected) {
      frames.push({ kind: "message", bytes: partial.subarray(0, this.#expected) });
      this.#forget();
    }
    return at + taken;
  }

  /** The whole message's length; undefined when it was rejected. */
  #lengthOf(bytes: Buffer, start: number, headEnd: number, frames: Frame[]): number | undefined {
    const body = lengthInHead(bytes, start, headEnd);
    if (typeof body === "string") {
      this.#reject(body, frames, bytes);
      return undefined;
    }
    const length = headEnd - start + body;
    if (length <= this.#maxBytes) return length;
    this.#reject(TOO_LARGE, frames, bytes);
    return undefined;
  }

  #reject(reason: string, frames: Frame[], chunk: Buffer): number {
    this.#rejected = true;
    this.#forget();
    frames.push({ kind: "rejected", reason });
    return chunk.length;
  }

  #forget(): void {
    this.#partial = undefined;
    this.#held = 0;
    this.#expected = 0;
  }

  #skipLineEnds(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && (chunk[at] === CR || chunk[at] === LF)) at++;
    this.#lineEndOctets += at - from;
    return at;
  }

  /** Half a CRLF stays counted until its other half arrives. */
  #countLineEnds(frames: Frame[]): void {
    const count = this.#lineEndOctets >> 1;
    if (count === 0) return;
    this.#lineEndOctets &= 1;
    frames.push({ kind: "line-ends", count });
  }
}

const TOO_LARGE = "message too large";

function grow(buffer: Buffer, filled: number, needed: number): Buffer {
  if (needed <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * buffer.length));
  buffer.copy(larger, 0, 0, filled);
  return larger;
}
