// HMAC-SHA-256 with a fixed key (RFC 2104) from one-shot hashes: on Node 24 a `createHmac` costs ten times as much.
import { hash } from "node:crypto";

const BLOCK = 64;
const DIGEST = 32;

/** 32 octets over `data`, a string that counts as latin1; written in base64url. */
export type Hmac = (data: string) => string;

export function hmacSha256(key: Buffer): Hmac {
  const short = key.length > BLOCK ? Buffer.from(hash("sha256", key), "hex") : key;
  const inner = Buffer.alloc(BLOCK, 0x36);
  const outer = Buffer.alloc(BLOCK + DIGEST, 0x5c);
  for (const [at, octet] of short.entries()) {
    inner[at] = octet ^ 0x36;
    outer[at] = octet ^ 0x5c;
  }
  return (data) => {
    const block = Buffer.allocUnsafe(BLOCK + data.length);
    inner.copy(block);
    block.write(data, BLOCK, "latin1");
    // As text: the "buffer" encoding of `hash` costs three times as much.
    outer.write(hash("sha256", block), BLOCK, "hex");
    return hash("sha256", outer, "base64url");
  };
}
