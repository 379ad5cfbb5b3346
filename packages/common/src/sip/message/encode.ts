// Message to octets. RFC 3261 §7; Content-Length is always there (§20.14 for streams).
import type { SipMessage } from "./message.ts";

export function encode(message: SipMessage): Buffer {
  return message.toOctets();
}
