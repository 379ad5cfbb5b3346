// A short fingerprint of a text, for tags and branches; not for secrets (FNV-1a, two lanes).

/** Up to 20 digits, 62 bits. */
export function textHash(text: string): string {
  return textsHash([text]);
}

/** Of several, each with its end: joined first, they would be copied to be read. */
export function textsHash(texts: readonly string[]): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let each = 0; each < texts.length; each++) {
    const text = texts[each] ?? "";
    for (let at = 0; at <= text.length; at++) {
      const code = at < text.length ? text.charCodeAt(at) : END;
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x5bd1e995);
      b ^= b >>> 15;
    }
  }
  // Small integers in decimal: other bases and larger numbers are many times slower to write.
  return `${a >>> 1}${b >>> 1}`;
}

/** No character of a text. */
const END = 0x10000;
