// Character classes and small scanners shared by the header parsers. RFC 3261 §25.1.
// They read a part of a longer text where it stands: `text[from, to)`. Each looks at a character once.

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX_DIGITS = "0123456789ABCDEFabcdef";
/** Printable ASCII, the blank left out. */
const PRINTED = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).join("");
const ABOVE_ASCII = Array.from({ length: 128 }, (_, at) => String.fromCharCode(128 + at)).join("");

function without(characters: string, left: string): string {
  return [...characters].filter((each) => !left.includes(each)).join("");
}

/** A bit per class. */
export const TOKEN = 1;
/** Host names and IPv4 addresses. */
export const HOST = 2;
/** Without escapes. */
export const USER = 4;
/** A header parameter's value without quotes. */
export const BARE = 8;
/** A parameter's name, in headers and URIs: token, param-unreserved and paramchar. */
export const PARAM_NAME = 16;
/** A URI parameter's value. */
export const URI_VALUE = 32;
/** What stands behind a URI's question mark. */
export const URI_HEADERS = 64;
export const IPV6 = 128;
/** Printable ASCII. */
export const VISIBLE = 256;
/** Of a display name without quotes: words, blanks and UTF-8. */
export const WORDS = 512;
export const DIGIT = 1024;
export const HEX = 2048;
/** Of an authentication parameter without quotes. */
export const AUTH_VALUE = 4096;

const TOKEN_CHARACTERS = `${ALPHANUMERIC}_-.!%*+\`'~`;
const MEMBERS: readonly (readonly [bit: number, characters: string])[] = [
  [TOKEN, TOKEN_CHARACTERS],
  [HOST, `${ALPHANUMERIC}-._`],
  [USER, `${ALPHANUMERIC}_-.!~*'()&=+$,;?/#[]`],
  [BARE, without(PRINTED, '",;<>')],
  [PARAM_NAME, `${TOKEN_CHARACTERS}[]/:&$()`],
  [URI_VALUE, without(PRINTED, '",;<>?')],
  [URI_HEADERS, without(PRINTED, "<>")],
  [IPV6, `${HEX_DIGITS}:.`],
  [VISIBLE, PRINTED],
  [WORDS, `${TOKEN_CHARACTERS} \t${ABOVE_ASCII}`],
  [DIGIT, "0123456789"],
  [HEX, HEX_DIGITS],
  [AUTH_VALUE, without(PRINTED, '",')],
];

/** By code of latin1; what is beyond is in none. */
const CLASSES = new Uint16Array(256);
for (const [bit, characters] of MEMBERS)
  for (const each of characters) {
    const code = each.charCodeAt(0);
    CLASSES[code] = (CLASSES[code] ?? 0) | bit;
  }

export function isIn(code: number, characters: number): boolean {
  return ((CLASSES[code] ?? 0) & characters) !== 0;
}

/** The end of the run of such characters that starts at `from`. */
export function runEnd(text: string, from: number, to: number, characters: number): number {
  let at = from;
  while (at < to && ((CLASSES[text.charCodeAt(at)] ?? 0) & characters) !== 0) at++;
  return at;
}

/** True for a text of such characters only, one at the least. */
export function isRun(text: string, characters: number): boolean {
  return text !== "" && runEnd(text, 0, text.length, characters) === text.length;
}

/** RFC 3261 §25.1, qvalue: 0 to 1, three decimals at most. */
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** The codes of a text, to be found in others: `startsWith` takes twice as long. */
export function codesOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** True when `text` goes on with these at `from`. */
export function hasCodesAt(text: string, from: number, codes: readonly number[]): boolean {
  for (let at = 0; at < codes.length; at++)
    if (text.charCodeAt(from + at) !== codes[at]) return false;
  return true;
}

/** SP or HTAB: white space of a header value whose folds are undone. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** SP, HTAB, CR or LF: what RFC 3261 calls LWS once lines are known to be whole. */
export function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10;
}

/**
 * The text without its outer LWS. JavaScript's `\s` and `trim()` take VT, FF, NBSP and more, which are white space to
 * no other SIP parser.
 */
export function trimLws(text: string): string {
  return sliceTrimmed(text, 0, text.length);
}

/** `text[from, to)` without its outer LWS. */
export function sliceTrimmed(text: string, from: number, to: number): string {
  const start = skipSpace(text, from, to);
  return text.slice(start, trimmedEnd(text, start, to));
}

/** In lower case; what is so already, as most, is not copied. */
export function lowerCase(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code > 64 && code < 91) || code > 127) return text.toLowerCase();
  }
  return text;
}

export function skipSpace(text: string, from: number, to: number = text.length): number {
  let at = from;
  while (at < to && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Where `text[from, to)` ends without the LWS behind it. */
export function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}

export function skipBlanks(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text.charCodeAt(at))) at++;
  return at;
}

export function isToken(text: string): boolean {
  return isRun(text, TOKEN);
}

/** A host name or IPv4 address (no brackets). */
export function isHostName(text: string): boolean {
  return isRun(text, HOST);
}

const IPV6_LENGTH = 45;

export function isIpv6(text: string): boolean {
  return text.length <= IPV6_LENGTH && text.includes(":") && text.length > 1 && isRun(text, IPV6);
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
export function parseNumber(
  text: string,
  max: number,
  from = 0,
  to: number = text.length,
): number | undefined {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return from >= to ? undefined : value;
}

/** The index behind the quoted string that starts at `from`, -1 if it does not end before `to`. */
export function quotedEnd(text: string, from: number, to: number = text.length): number {
  for (let at = from + 1; at < to; at++) {
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
