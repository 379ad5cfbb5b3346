// Messages that come in frames of their own: RFC 7118 §5 (one message per WebSocket message).
import type { Frame } from "../message/framer.ts";
import { leadingLineEnds } from "./keep-alive.ts";

export class WholeFrames {
  readonly pending = false;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** An empty chunk is a sign of life and nothing else. */
  push(chunk: Buffer): readonly Frame[] {
    if (chunk.length === 0) return [];
    if (chunk.length > this.#maxBytes) return [{ kind: "rejected", reason: "message too large" }];
    const skip = leadingLineEnds(chunk);
    if (skip === chunk.length) return [{ kind: "line-ends", count: skip >> 1 }];
    return [{ kind: "message", bytes: skip === 0 ? chunk : chunk.subarray(skip) }];
  }
}
