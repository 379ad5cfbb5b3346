// Message to octets. RFC 3261 §7; Content-Length is always there (§20.14 for streams).
import type { SipMessage } from "./message.ts";

export function encode(message: SipMessage): Buffer {
  const length = message.has("Content-Length") ? "" : `Content-Length: ${message.body.length}\r\n`;
  const head = `${message.startLine}\r\n${message.headerText()}${length}\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + message.body.length);
  bytes.write(head, 0, "latin1");
  if (message.body.length > 0) message.body.copy(bytes, head.length);
  return bytes;
}
