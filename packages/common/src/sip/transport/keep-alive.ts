// The CRLF keep-alive: two CRLF ask, one answers. RFC 5626 §3.5.1, §4.4.1.

export const PING: Buffer = Buffer.from("\r\n\r\n");
export const PONG: Buffer = Buffer.from("\r\n");

const CR = 0x0d;
const LF = 0x0a;

/** How many octets of CR and LF stand before the start line (RFC 3261 §7.5: to be ignored). */
export function leadingLineEnds(bytes: Buffer, from = 0): number {
  let at = from;
  while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at - from;
}
