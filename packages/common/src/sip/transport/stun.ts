// STUN binding requests on a SIP port, answered with where they came from. RFC 5389 §6, §15.2; RFC 5626 §5.4.
import { parseIp } from "../../platform/ip-address.ts";
import type { HostPort } from "./transport.ts";

const HEADER = 20;
const MAGIC_COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
/** USERNAME, MESSAGE-INTEGRITY, REALM, NONCE: understood, and of no use here. */
const KNOWN: ReadonlySet<number> = new Set([0x0006, 0x0008, 0x0014, 0x0015]);
/** From here on attributes may be passed over (RFC 5389 §15). */
const OPTIONAL_FROM = 0x8000;
/** Class 4, number 20 (RFC 5389 §15.6). */
const UNKNOWN_ATTRIBUTE = Buffer.from("\0\0\x04\x14Unknown Attribute", "latin1");

/** SIP begins with a letter, STUN with two zero bits (RFC 5389 §6). */
export function isStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER && (bytes[0] ?? 0xff) < 4 && bytes.readUInt32BE(4) === MAGIC_COOKIE;
}

/**
 * The answer to a binding request; undefined when there is none to give. 32 or 44 octets to the 20
 * or more that came, 56 or more to an attribute that has to be understood and is not: a forged
 * source gains nothing worth having.
 */
export function stunAnswer(request: Buffer, from: HostPort): Buffer | undefined {
  const isWhole = request.length === HEADER + request.readUInt16BE(2);
  const address = parseIp(from.host);
  if (!isWhole || address === undefined || request.readUInt16BE(0) !== BINDING_REQUEST)
    return undefined;
  const unknown = unknownAttributes(request);
  if (unknown === undefined) return undefined;
  if (unknown.length > 0) {
    const types = Buffer.alloc(2 * unknown.length);
    for (const [at, type] of unknown.entries()) types.writeUInt16BE(type, 2 * at);
    return answerTo(request, BINDING_ERROR, [
      [ERROR_CODE, UNKNOWN_ATTRIBUTE],
      [UNKNOWN_ATTRIBUTES, types],
    ]);
  }
  // The cookie and the transaction id, with which addresses are masked against helpful NATs.
  const mask = request.subarray(4, HEADER);
  const value = Buffer.alloc(4 + address.length);
  value[1] = address.length === 4 ? 1 : 2;
  value.writeUInt16BE(from.port ^ (MAGIC_COOKIE >>> 16), 2);
  for (const [at, octet] of address.entries()) value[4 + at] = octet ^ (mask[at] ?? 0);
  return answerTo(request, BINDING_SUCCESS, [[XOR_MAPPED_ADDRESS, value]]);
}

/** RFC 5389 §7.3.1: types that the client wants understood; undefined when the attributes do not add up. */
function unknownAttributes(request: Buffer): readonly number[] | undefined {
  const unknown: number[] = [];
  let at = HEADER;
  while (at + 4 <= request.length) {
    const type = request.readUInt16BE(at);
    if (type < OPTIONAL_FROM && !KNOWN.has(type)) unknown.push(type);
    at += 4 + padded(request.readUInt16BE(at + 2));
  }
  return at === request.length ? unknown : undefined;
}

function answerTo(
  request: Buffer,
  type: number,
  attributes: readonly (readonly [type: number, value: Buffer])[],
): Buffer {
  const parts = [request.subarray(0, HEADER)];
  for (const [kind, value] of attributes) {
    const attribute = Buffer.alloc(4 + padded(value.length));
    attribute.writeUInt16BE(kind, 0);
    attribute.writeUInt16BE(value.length, 2);
    value.copy(attribute, 4);
    parts.push(attribute);
  }
  const answer = Buffer.concat(parts);
  answer.writeUInt16BE(type, 0);
  answer.writeUInt16BE(answer.length - HEADER, 2);
  return answer;
}

/** RFC 5389 §15: values end on a multiple of four. */
function padded(octets: number): number {
  return (octets + 3) & ~3;
}
