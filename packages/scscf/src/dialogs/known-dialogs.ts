// Dialogs that were made through this node: what is within one, and what only says so. RFC 3261 §12.
import { tagOf } from "@ims-lab/common/sip/dialog/dialog";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";

export class KnownDialogs {
  /** By Call-ID and both tags, the caller's first. */
  readonly #keys = new Set<string>();
  readonly #most: number;

  /** @param most the oldest is forgotten first: a BYE may pass by another way */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** An answer to a request out of a dialog that makes one. */
  made({ status, callId, from, to }: SipResponse): void {
    if (status <= 100 || status >= 300) return;
    const key = ownCopy(keyOf(callId, tagOf(from), tagOf(to)));
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > this.#most && oldest !== undefined) this.#keys.delete(oldest);
  }

  has({ callId, from, to }: SipRequest): boolean {
    const [a, b] = [tagOf(from), tagOf(to)];
    return this.#keys.has(keyOf(callId, a, b)) || this.#keys.has(keyOf(callId, b, a));
  }

  /** A BYE within it has passed. */
  over({ callId, from, to }: SipRequest): void {
    const [a, b] = [tagOf(from), tagOf(to)];
    this.#keys.delete(keyOf(callId, a, b));
    this.#keys.delete(keyOf(callId, b, a));
  }
}

function keyOf(callId: string, callerTag: string, calleeTag: string): string {
  return `${callId} ${callerTag} ${calleeTag}`;
}
