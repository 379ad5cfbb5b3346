// How often each nonce was used: `nc` counts for as long as the nonce serves. RFC 7616 §3.4.

/** A network that comes back to an older one than these has forgotten more than we. */
const KEPT = 16;

export class NonceCounts {
  readonly #counts = new Map<string, number>();

  /** Of the request that uses it next, 1 for the first. */
  next(nonce: string): number {
    const count = (this.#counts.get(nonce) ?? 0) + 1;
    this.#counts.delete(nonce); // the latest last
    this.#counts.set(nonce, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > KEPT && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}
