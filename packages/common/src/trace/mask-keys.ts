// Keeps the session keys of AKA out of traces: `ik` and `ck` of a challenge (TS 24.229 §5.4.1.2.1).

const KEYS = /(?<![A-Za-z0-9_-])([ic]k[ \t\r\n]*=[ \t\r\n]*)("[^"]*"|[0-9A-Fa-f]+)/gi;
const MASK = "x";

/** The same octets if there is no key in them, else a copy of equal length with `x` for each octet. */
export function maskKeys(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  KEYS.lastIndex = 0;
  if (!KEYS.test(text)) return bytes;
  KEYS.lastIndex = 0;
  const masked = text.replace(KEYS, (_all, name: string, value: string) =>
    value.startsWith('"')
      ? `${name}"${MASK.repeat(value.length - 2)}"`
      : `${name}${MASK.repeat(value.length)}`,
  );
  return Buffer.from(masked, "latin1");
}
