// Octets that outlive the message they were made for, side by side with others of the same age.

const BLOCK = 65_536;

/**
 * Node cuts small buffers from blocks shared with everything else that is encoded, so one kept
 * response would keep its neighbours too. Here a block holds kept octets only.
 */
export class Slab {
  #block = Buffer.alloc(0);
  #used = 0;

  /** A copy of `bytes`. */
  keep(bytes: Buffer): Buffer {
    const { length } = bytes;
    if (length > BLOCK / 8) return Buffer.concat([bytes]);
    if (this.#used + length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    bytes.copy(this.#block, from);
    return this.#block.subarray(from, this.#used);
  }
}
