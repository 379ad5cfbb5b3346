// Counts of requests whose answers the peer of a connection still waits for, by the messages' first octets. RFC 3261 §7.1, §7.2.

const RESPONSE = 0x7369702f; // "sip/": RFC 3261 §7.1, in any case
const LOWER_CASE = 0x20202000;
const ACK = 0x41434b20;
/** `SIP/2.0 1`: where the class of a status stands. */
const STATUS_AT = 8;
const PROVISIONAL = 0x31;

export class UnansweredRequests {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  received(bytes: Buffer): void {
    if (!isAnswer(bytes) && startOf(bytes) !== ACK) this.#count++;
  }

  /** A final answer is the end of one of them. */
  sent(bytes: Buffer): void {
    if (this.#count > 0 && isAnswer(bytes) && bytes[STATUS_AT] !== PROVISIONAL) this.#count--;
  }
}

export function isAnswer(bytes: Buffer): boolean {
  return (startOf(bytes) | LOWER_CASE) === RESPONSE;
}

function startOf(bytes: Buffer): number {
  return bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
}
