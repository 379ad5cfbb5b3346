// STUN binding requests on a SIP port, answered with where they came from. RFC 5389 §6, §15.2; RFC 5626 §5.4.
import { parseIp } from "../../platform/ip-address.ts";
import type { HostPort } from "./transport.ts";

const HEADER = 20;
const MAGIC_COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;

/** SIP begins with a letter, STUN with two zero bits (RFC 5389 §6). */
export function isStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER && (bytes[0] ?? 0xff) < 4 && bytes.readUInt32BE(4) === MAGIC_COOKIE;
}

/**
 * The answer to a binding request; undefined when there is none to give. 32 or 44 octets to the 20
 * or more that came, so that a forged source gains nothing worth having.
 */
export function stunAnswer(request: Buffer, from: HostPort): Buffer | undefined {
  const isWhole = request.length === HEADER + request.readUInt16BE(2);
  const address = parseIp(from.host);
  if (!isWhole || address === undefined || request.readUInt16BE(0) !== BINDING_REQUEST)
    return undefined;
  // The cookie and the transaction id, with which addresses are masked against helpful NATs.
  const mask = request.subarray(4, HEADER);
  const value = Buffer.alloc(4 + address.length);
  value[1] = address.length === 4 ? 1 : 2;
  value.writeUInt16BE(from.port ^ (MAGIC_COOKIE >>> 16), 2);
  for (const [at, octet] of address.entries()) value[4 + at] = octet ^ (mask[at] ?? 0);
  const answer = Buffer.alloc(HEADER + 4 + value.length);
  answer.writeUInt16BE(BINDING_SUCCESS, 0);
  answer.writeUInt16BE(4 + value.length, 2);
  mask.copy(answer, 4);
  answer.writeUInt16BE(XOR_MAPPED_ADDRESS, HEADER);
  answer.writeUInt16BE(value.length, HEADER + 2);
  value.copy(answer, HEADER + 4);
  return answer;
}
