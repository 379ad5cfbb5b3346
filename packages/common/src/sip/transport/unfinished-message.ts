// Unfinished WebSocket messages: follows the frames, keeps nothing of them. RFC 6455 §5.2, §5.4.

const FIN = 0x80;
const MASK = 0x80;
/** Opcodes from here on are of control frames, which may stand between the fragments of a message. */
const CONTROL = 0x8;
const LONGEST_HEADER = 14;

export class UnfinishedMessage {
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerLength = 0;
  /** Octets of the frame's payload that are still to come. */
  #rest = 0;
  /** A fragment has come, and the last one has not. */
  #fragmented = false;

  get isOpen(): boolean {
    return this.#fragmented || this.#headerLength > 0 || this.#rest > 0;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, chunk.length - at);
        this.#rest -= taken;
        at += taken;
      } else {
        this.#header[this.#headerLength++] = chunk[at++] ?? 0;
        if (this.#headerLength === this.#headerOctets()) this.#beginPayload();
      }
    }
  }

  #headerOctets(): number {
    if (this.#headerLength < 2) return 2;
    const second = this.#header[1] ?? 0;
    return 2 + extendedOctets(second) + ((second & MASK) === 0 ? 0 : 4);
  }

  #beginPayload(): void {
    const [first = 0, second = 0] = this.#header;
    const octets = extendedOctets(second);
    // What is too long for a number is too long for `ws` as well, which ends the connection.
    this.#rest =
      octets === 0
        ? second & 0x7f
        : this.#header.readUIntBE(octets === 8 ? 4 : 2, octets === 8 ? 6 : 2);
    this.#headerLength = 0;
    if ((first & 0xf) < CONTROL) this.#fragmented = (first & FIN) === 0;
  }
}

function extendedOctets(second: number): 0 | 2 | 8 {
  const length = second & 0x7f;
  return length < 126 ? 0 : length === 126 ? 2 : 8;
}
