// Message to octets. RFC 3261 §7; Content-Length is always there (§20.14 for streams).
import type { SipMessage } from "./message.ts";

/** @param top lines above all others, each with its end: what this hop alone says of the message */
export function encode(message: SipMessage, top?: string): Buffer {
  return message.toOctets(top);
}
