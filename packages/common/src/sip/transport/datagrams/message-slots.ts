// The kernel's view of several datagrams: one mmsghdr with its address and octets for each, as recvmmsg(2) has them.
import type { HostPort } from "../transport.ts";

/** struct mmsghdr, struct iovec and struct sockaddr_in on 64 bit machines, in octets. */
const HEADER = 64;
const VECTOR = 16;
const ADDRESS = 16;
const AF_INET = 2;

export class MessageSlots {
  readonly headers: Buffer;
  readonly octets: Buffer;
  readonly #vectors: Buffer;
  readonly #addresses: Buffer;
  /** Below 2^53, as all addresses of a process are. */
  readonly #octetsAt: number;
  /** Whose address each slot holds: mostly it is that of the next datagram, too. */
  readonly #held: (HostPort | undefined)[];
  #lastHost = "";
  #lastHostNumber = -1;

  /** @param octets room for all of them together */
  constructor(count: number, octets: number, addressOf: (buffer: Buffer) => bigint) {
    this.octets = Buffer.allocUnsafeSlow(octets);
    this.headers = Buffer.allocUnsafeSlow(count * HEADER).fill(0);
    this.#vectors = Buffer.allocUnsafeSlow(count * VECTOR).fill(0);
    this.#addresses = Buffer.allocUnsafeSlow(count * ADDRESS).fill(0);
    this.#held = new Array<undefined>(count).fill(undefined);
    this.#octetsAt = Number(addressOf(this.octets));
    const vectorsAt = Number(addressOf(this.#vectors));
    const addressesAt = Number(addressOf(this.#addresses));
    for (let slot = 0; slot < count; slot++) {
      const at = slot * HEADER;
      writePointer(this.headers, at, addressesAt + slot * ADDRESS);
      this.headers.writeUInt32LE(ADDRESS, at + 8);
      writePointer(this.headers, at + 16, vectorsAt + slot * VECTOR);
      this.headers.writeUInt32LE(1, at + 24);
    }
  }

  /** Where the octets of a slot are, or go. */
  place(slot: number, offset: number, length: number): void {
    writePointer(this.#vectors, slot * VECTOR, this.#octetsAt + offset);
    this.#vectors.writeUInt32LE(length, slot * VECTOR + 8);
  }

  /** How many octets were received into a slot. */
  lengthOf(slot: number): number {
    return this.headers.readUInt32LE(slot * HEADER + 56);
  }

  hostOf(slot: number): string {
    const at = slot * ADDRESS + 4;
    const number = this.#addresses.readUInt32BE(at);
    if (number !== this.#lastHostNumber) {
      this.#lastHostNumber = number;
      this.#lastHost = `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
    }
    return this.#lastHost;
  }

  portOf(slot: number): number {
    return this.#addresses.readUInt16BE(slot * ADDRESS + 2);
  }

  /** False: no IPv4 address. */
  address(slot: number, to: HostPort): boolean {
    if (this.#held[slot] === to) return true;
    if (!writeAddress(this.#addresses, slot * ADDRESS, to)) return false;
    this.#held[slot] = to;
    return true;
  }

  /** For a call about the slots from this one on. */
  headersFrom(slot: number): Buffer {
    return slot === 0 ? this.headers : this.headers.subarray(slot * HEADER);
  }
}

/** 64 bits, lowest octet first; as two halves, since a BigInt for each datagram costs more than all else here. */
function writePointer(into: Buffer, at: number, address: number): void {
  into.writeUInt32LE(address >>> 0, at);
  into.writeUInt32LE(Math.floor(address / 2 ** 32), at + 4);
}

/** A struct sockaddr_in. False: no IPv4 address. */
export function writeAddress(into: Buffer, at: number, { host, port }: HostPort): boolean {
  let number = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < host.length; index++) {
    const code = host.charCodeAt(index);
    if (code === 0x2e && digits > 0) {
      number = number * 256 + part;
      part = 0;
      digits = 0;
      dots += 1;
    } else if (code >= 0x30 && code <= 0x39) {
      part = part * 10 + (code - 0x30);
      digits += 1;
      if (part > 255) return false;
    } else return false;
  }
  if (dots !== 3 || digits === 0) return false;
  into.writeUInt16LE(AF_INET, at);
  into.writeUInt16BE(port, at + 2);
  into.writeUInt32BE(number * 256 + part, at + 4);
  return true;
}

/** For bind(2) and getsockname(2). */
export function addressBuffer(): Buffer {
  return Buffer.alloc(ADDRESS);
}

export function portIn(address: Buffer): number {
  return address.readUInt16BE(2);
}
