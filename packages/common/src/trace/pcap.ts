// A capture file of messages, as octets: libpcap format, LINKTYPE_RAW (IP without a link layer).
import { type IpAddress, parseIp } from "../platform/ip-address.ts";
import { formatHostPort } from "../sip/transport/transport.ts";
import { secondsAndMicroseconds, type TracedMessage } from "./traced-message.ts";

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const LARGEST_PACKET = 65_535;
const UDP = 17;
const TCP = 6;
const UDP_HEADER = 8;
const TCP_HEADER = 20;
const ACK_PUSH = 0x18;
const WINDOW = 65_535;
const TTL = 64;
/** Stream messages are cut here, so that any IP header still fits. */
const LARGEST_SEGMENT = 65_000;

/** Writes one file: first `header`, then what `packets` gives for each message. */
export class PcapEncoder {
  /** Next sequence number of each direction of a stream, by its two ends. */
  readonly #sequence = new Map<string, number>();

  header(): Buffer {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(MAGIC_MICROSECONDS, 0);
    header.writeUInt16LE(2, 4); // version 2.4
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(LARGEST_PACKET, 16);
    header.writeUInt32LE(LINKTYPE_RAW, 20);
    return header;
  }

  /**
   * The records of one message: one packet, or several segments of a long message over a stream.
   * Empty when its addresses are not literal or of two families, or it fits into no datagram.
   */
  packets(message: TracedMessage): Buffer {
    const source = parseIp(message.from.host);
    const destination = parseIp(message.to.host);
    if (source === undefined || destination?.length !== source.length) return Buffer.alloc(0);
    const addresses = { source, destination };
    if (message.transport !== "udp") return this.#segments(message, addresses);
    const length = UDP_HEADER + message.bytes.length;
    if (ipHeaderLength(addresses) + length > LARGEST_PACKET) return Buffer.alloc(0);
    return record(message.at, ipPacket(addresses, UDP, udpDatagram(message, length)));
  }

  #segments(message: TracedMessage, addresses: Addresses): Buffer {
    const { bytes, from, to } = message;
    const there = `${formatHostPort(from)} ${formatHostPort(to)}`;
    const back = `${formatHostPort(to)} ${formatHostPort(from)}`;
    const records: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += LARGEST_SEGMENT) {
      const part = bytes.subarray(at, at + LARGEST_SEGMENT);
      const sequence = this.#sequence.get(there) ?? 1;
      const segment = Buffer.alloc(TCP_HEADER + part.length);
      segment.writeUInt16BE(from.port, 0);
      segment.writeUInt16BE(to.port, 2);
      segment.writeUInt32BE(sequence, 4);
      segment.writeUInt32BE(this.#sequence.get(back) ?? 1, 8);
      segment[12] = (TCP_HEADER / 4) << 4;
      segment[13] = ACK_PUSH;
      segment.writeUInt16BE(WINDOW, 14);
      part.copy(segment, TCP_HEADER);
      this.#sequence.set(there, (sequence + part.length) >>> 0);
      records.push(record(message.at, ipPacket(addresses, TCP, segment)));
    }
    return Buffer.concat(records);
  }
}

interface Addresses {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

function udpDatagram({ from, to, bytes }: TracedMessage, length: number): Buffer {
  const datagram = Buffer.alloc(length);
  datagram.writeUInt16BE(from.port, 0);
  datagram.writeUInt16BE(to.port, 2);
  datagram.writeUInt16BE(length, 4);
  bytes.copy(datagram, UDP_HEADER);
  return datagram;
}

function record(at: number, packet: Buffer): Buffer {
  const { seconds, microseconds } = secondsAndMicroseconds(at);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(seconds, 0);
  header.writeUInt32LE(microseconds, 4);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

function ipHeaderLength({ source }: Addresses): number {
  return source.length === 4 ? 20 : 40;
}

/** `segment` behind an IP header, its own checksum filled in. */
function ipPacket(addresses: Addresses, protocol: number, segment: Buffer): Buffer {
  const { source, destination } = addresses;
  const pseudo = Buffer.alloc(8); // RFC 8200 §8.1; RFC 768's has the same sum
  pseudo.writeUInt32BE(segment.length, 0);
  pseudo.writeUInt32BE(protocol, 4);
  const sum = checksum([source, destination, pseudo, segment]);
  // A computed 0 is sent as ffff over UDP, where 0 means none (RFC 768).
  if (protocol === UDP) segment.writeUInt16BE(sum || 0xffff, 6);
  else segment.writeUInt16BE(sum, 16);
  const header = source.length === 4 ? v4Header(protocol, segment) : v6Header(protocol, segment);
  header.set(source, source.length === 4 ? 12 : 8);
  header.set(destination, source.length === 4 ? 16 : 24);
  if (source.length === 4) header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([header, segment]);
}

function v4Header(protocol: number, segment: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + segment.length, 2);
  header.writeUInt16BE(0x4000, 6); // don't fragment
  header[8] = TTL;
  header[9] = protocol;
  return header;
}

function v6Header(protocol: number, segment: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(segment.length, 4);
  header[6] = protocol;
  header[7] = TTL;
  return header;
}

/** RFC 1071 over the parts in a row; each but the last has an even length. */
function checksum(parts: readonly Readonly<Uint8Array>[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at + 1 < part.length; at += 2)
      sum += (part[at] ?? 0) * 256 + (part[at + 1] ?? 0);
    if (part.length % 2 === 1) sum += (part.at(-1) ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
