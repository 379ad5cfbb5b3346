// HEP version 3, the encapsulation that SIP capture servers (Homer, sngrep) take: HEP3 network protocol spec rev 12.
import { addressText, parseIp } from "../platform/ip-address.ts";
import type { HostPort, TransportName } from "../sip/transport/transport.ts";
import { secondsAndMicroseconds, type TracedMessage } from "./traced-message.ts";

const MAGIC = Buffer.from("HEP3");
const PACKET_HEADER = 6; // magic, total length
const CHUNK_HEADER = 6; // vendor, type, length

/** Chunk types of the generic vendor 0. */
const CHUNK = {
  family: 0x01,
  protocol: 0x02,
  source4: 0x03,
  destination4: 0x04,
  source6: 0x05,
  destination6: 0x06,
  sourcePort: 0x07,
  destinationPort: 0x08,
  seconds: 0x09,
  microseconds: 0x0a,
  payloadType: 0x0b,
  captureId: 0x0c,
  payload: 0x0f,
  correlationId: 0x11,
  node: 0x13,
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const IP_PROTOCOL: Readonly<Record<TransportName, number>> = {
  udp: 17,
  tcp: 6,
  tls: 6,
  ws: 6,
  wss: 6,
};
const SIP = 1;

/**
 * One packet. Undefined when the message has no literal addresses of one family, or is too long
 * for the 16 bits of a length.
 */
export function encodeHep(message: TracedMessage, captureId: number): Buffer | undefined {
  const source = parseIp(message.from.host);
  const destination = parseIp(message.to.host);
  if (source === undefined || destination?.length !== source.length) return undefined;
  const six = source.length === 16;
  const { seconds, microseconds } = secondsAndMicroseconds(message.at);
  const chunks = [
    number(CHUNK.family, 1, six ? AF_INET6 : AF_INET),
    number(CHUNK.protocol, 1, IP_PROTOCOL[message.transport]),
    chunk(six ? CHUNK.source6 : CHUNK.source4, source),
    chunk(six ? CHUNK.destination6 : CHUNK.destination4, destination),
    number(CHUNK.sourcePort, 2, message.from.port),
    number(CHUNK.destinationPort, 2, message.to.port),
    number(CHUNK.seconds, 4, seconds),
    number(CHUNK.microseconds, 4, microseconds),
    number(CHUNK.payloadType, 1, SIP),
    number(CHUNK.captureId, 4, captureId),
    ...text(CHUNK.correlationId, message.correlationId),
    ...text(CHUNK.node, message.node),
    chunk(CHUNK.payload, message.bytes),
  ];
  const length = chunks.reduce((sum, { length: octets }) => sum + octets, PACKET_HEADER);
  if (length > 0xffff) return undefined;
  const head = Buffer.alloc(PACKET_HEADER);
  MAGIC.copy(head);
  head.writeUInt16BE(length, 4);
  return Buffer.concat([head, ...chunks], length);
}

/** A packet's message, or why it is none; unknown chunks are skipped. */
export function decodeHep(packet: Buffer): { message: TracedMessage } | { problem: string } {
  if (packet.length < PACKET_HEADER || !packet.subarray(0, 4).equals(MAGIC)) {
    return { problem: "not HEP3" };
  }
  const length = packet.readUInt16BE(4);
  if (length > packet.length) return { problem: "truncated packet" };
  const chunks = readChunks(packet.subarray(PACKET_HEADER, length));
  return chunks === undefined ? { problem: "malformed chunk" } : assemble(chunks);
}

function assemble(chunks: Chunks): { message: TracedMessage } | { problem: string } {
  if (uint(chunks, CHUNK.payloadType, 1) !== SIP) return { problem: "not SIP" };
  const from = end(chunks, CHUNK.source4, CHUNK.source6, CHUNK.sourcePort);
  const to = end(chunks, CHUNK.destination4, CHUNK.destination6, CHUNK.destinationPort);
  const bytes = chunks.get(CHUNK.payload);
  const seconds = uint(chunks, CHUNK.seconds, 4);
  if (from === undefined || to === undefined || bytes === undefined || seconds === undefined) {
    return { problem: "missing chunk" };
  }
  const node = chunks.get(CHUNK.node)?.toString();
  const correlationId = chunks.get(CHUNK.correlationId)?.toString();
  const message: TracedMessage = {
    at: seconds * 1000 + (uint(chunks, CHUNK.microseconds, 4) ?? 0) / 1000,
    transport: uint(chunks, CHUNK.protocol, 1) === IP_PROTOCOL.tcp ? "tcp" : "udp",
    from,
    to,
    bytes,
    ...(node === undefined ? {} : { node }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  return { message };
}

type Chunks = ReadonlyMap<number, Buffer>;

function readChunks(octets: Buffer): Chunks | undefined {
  const chunks = new Map<number, Buffer>();
  for (let at = 0; at < octets.length; ) {
    if (at + CHUNK_HEADER > octets.length) return undefined;
    const length = octets.readUInt16BE(at + 4);
    if (length < CHUNK_HEADER || at + length > octets.length) return undefined;
    const generic = octets.readUInt16BE(at) === 0;
    const type = octets.readUInt16BE(at + 2);
    if (generic) chunks.set(type, octets.subarray(at + CHUNK_HEADER, at + length));
    at += length;
  }
  return chunks;
}

function end(chunks: Chunks, four: number, six: number, port: number): HostPort | undefined {
  const address = octetsOf(chunks, four, 4) ?? octetsOf(chunks, six, 16);
  const number = uint(chunks, port, 2);
  if (address === undefined || number === undefined) return undefined;
  return { host: addressText(address), port: number };
}

function octetsOf(chunks: Chunks, type: number, length: number): Buffer | undefined {
  const octets = chunks.get(type);
  return octets?.length === length ? octets : undefined;
}

function uint(chunks: Chunks, type: number, length: number): number | undefined {
  return octetsOf(chunks, type, length)?.readUIntBE(0, length);
}

function chunk(type: number, value: Readonly<Uint8Array>): Buffer {
  const octets = Buffer.alloc(CHUNK_HEADER + value.length);
  octets.writeUInt16BE(type, 2);
  // A payload too long for this field makes the whole packet too long, which the caller finds.
  octets.writeUInt16BE(Math.min(octets.length, 0xffff), 4);
  octets.set(value, CHUNK_HEADER);
  return octets;
}

function number(type: number, length: number, value: number): Buffer {
  const octets = Buffer.alloc(length);
  octets.writeUIntBE(value, 0, length);
  return chunk(type, octets);
}

function text(type: number, value: string | undefined): Buffer[] {
  return value === undefined ? [] : [chunk(type, Buffer.from(value))];
}
