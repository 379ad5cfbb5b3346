// Character classes and small scanners shared by the header parsers. RFC 3261 §25.1.
// Regular expressions run several times faster here than loops over characters; each is linear:
// no two neighbouring repetitions can match the same character.

const TOKEN = /^[\w\-.!%*+`'~]+$/;
const TOKEN_RUN = /[\w\-.!%*+`'~]*/y;
const HOST_NAME = /^[A-Za-z0-9\-._]+$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/;
/** RFC 3261 §25.1, qvalue: 0 to 1, three decimals at most. */
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * White space of a header value whose folds are undone, as the source of an expression. JavaScript's `\s` and
 * `trim()` take VT, FF, NBSP and more, which are white space to no other SIP parser.
 */
export const BLANK = "[ \\t]";
/** What stands in a parameter's value without quotes: printable ASCII but `",;<>`. */
export const BARE = "[!#-+\\-./0-:=?-~]";
/** The inside of a quoted string, as the source of an expression. A control octet stands behind a backslash only. */
export const QUOTED_INSIDE = '(?:[^"\\\\]|\\\\[\\s\\S])*';

/** SP or HTAB. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** SP, HTAB, CR or LF: what RFC 3261 calls LWS once lines are known to be whole. */
export function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10;
}

/** The text without its outer LWS. */
export function trimLws(text: string): string {
  return sliceTrimmed(text, 0, text.length);
}

/** `text[from, to)` without its outer LWS. */
export function sliceTrimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The end of the run of token characters that starts at `from`. */
export function tokenEnd(text: string, from: number): number {
  TOKEN_RUN.lastIndex = from;
  TOKEN_RUN.test(text);
  return TOKEN_RUN.lastIndex;
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** A host name or IPv4 address (no brackets). */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text);
}

export function isIpv6(text: string): boolean {
  return IPV6.test(text) && text.includes(":");
}

/** A control octet but HTAB: nothing that may stand in a line as it is. */
export function isControl(octet: number): boolean {
  return (octet < 32 && octet !== 9) || octet === 127;
}

export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isControl(text.charCodeAt(at))) return true;
  return false;
}

/** Undefined for what is no qvalue. */
export function parseQvalue(text: string): number | undefined {
  return QVALUE.test(text) ? Number(text) : undefined;
}

/** Digits only, at most `max`; anything else is undefined. Leading zeros are allowed. */
export function parseNumber(text: string, max: number): number | undefined {
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return text.length === 0 ? undefined : value;
}

/** The index behind the quoted string that starts at `from`, -1 if it never ends. */
export function quotedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) return at + 1;
    if (code === 92) at++; // quoted-pair
  }
  return -1;
}

/** The text between the quotes with quoted-pairs undone. */
export function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return inner.includes("\\") ? inner.replace(/\\([\s\S])/g, "$1") : inner;
}

export function quote(text: string): string {
  const isPlain = !text.includes('"') && !text.includes("\\");
  return isPlain ? `"${text}"` : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Undoes %HH once (RFC 3261 §19.1.2); a stray percent sign stays. */
export function unescapeUri(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * Splits a header value at its top-level commas (not in quotes, not in angle brackets).
 * Empty elements are kept, so that the parsers can refuse them.
 */
export function splitList(text: string): string[] {
  if (!text.includes(",")) return [text];
  const values: string[] = [];
  let start = 0;
  let inAngle = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34 && !inAngle) {
      const end = quotedEnd(text, at);
      if (end < 0) break;
      at = end - 1;
    } else if (code === 60) inAngle = true;
    else if (code === 62) inAngle = false;
    else if (code === 44 && !inAngle) {
      values.push(sliceTrimmed(text, start, at));
      start = at + 1;
    }
  }
  values.push(sliceTrimmed(text, start, text.length));
  return values;
}

/**
 * The same characters in memory of their own. A slice keeps the whole received message alive;
 * what outlives the message must be copied.
 */
export function ownCopy(text: string): string {
  const { length } = text;
  if (length === 0) return "";
  if (length > SCRATCH.length) return Buffer.from(text, "latin1").toString("latin1");
  SCRATCH.write(text, "latin1");
  return SCRATCH.toString("latin1", 0, length);
}

/** A buffer made for each copy would cost more than the copying. */
const SCRATCH = Buffer.alloc(512);
