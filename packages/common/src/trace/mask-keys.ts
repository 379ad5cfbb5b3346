// Keeps the session keys of AKA out of traces: `ik` and `ck` of a challenge (TS 24.229 §5.4.1.2.1).

// A parameter follows a blank or a comma: the base64 of a nonce that ends in "ck=" is none.
const KEYS = /(?<=^|[,;\s])([ic]k\s*=\s*"?)([^",;\s]+)/gi;

/** The same octets if there is no key in them, else a copy of equal length with `x` for each octet. */
export function maskKeys(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  if (text.search(KEYS) < 0) return bytes;
  const masked = text.replace(
    KEYS,
    (_all: string, name: string, value: string) => name + "x".repeat(value.length),
  );
  return Buffer.from(masked, "latin1");
}
