// A short fingerprint of a text, for tags and branches; not for secrets (FNV-1a, two lanes).

/** Up to 20 digits, 62 bits. */
export function textHash(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  // Small integers in decimal: other bases and larger numbers are many times slower to write.
  return `${a >>> 1}${b >>> 1}`;
}
