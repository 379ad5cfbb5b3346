// Where a message ends in a stream: the Content-Length of a head, read without decoding it. RFC 3261 §18.3.

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTAB = 0x09;
const COLON = 0x3a;

/** The body's length from the head in `start..headEnd`, or why there is none (RFC 3261 §20.14). */
export function bodyLength(bytes: Buffer, start: number, headEnd: number): number | string {
  let found: number | undefined;
  // A header begins after a line end; the start line is none, a folded line begins with a blank.
  for (let at = bytes.indexOf(LF, start) + 1; at > 0 && at < headEnd; ) {
    const value = bytes[at - 2] === CR ? lengthHeaderValue(bytes, at) : 0;
    if (value > 0) {
      const length = digits(bytes, value, headEnd);
      if (length === undefined) return "malformed Content-Length";
      if (found !== undefined && found !== length) return "conflicting Content-Length";
      found = length;
    }
    at = bytes.indexOf(LF, at) + 1;
  }
  return found ?? "no Content-Length"; // RFC 3261 §18.3: mandatory on streams
}

const NAME = "content-length";

/** Where the value of a Content-Length that begins at `at` begins; 0 for any other header. */
function lengthHeaderValue(bytes: Buffer, at: number): number {
  const first = (bytes[at] ?? 0) | 0x20;
  let after: number;
  if (first === 0x6c)
    after = at + 1; // l
  else if (first === 0x63 && isLongName(bytes, at)) after = at + NAME.length;
  else return 0;
  while (bytes[after] === SP || bytes[after] === HTAB) after++;
  return bytes[after] === COLON ? after + 1 : 0;
}

function isLongName(bytes: Buffer, at: number): boolean {
  for (let index = 1; index < NAME.length; index++) {
    const octet = bytes[at + index] ?? 0;
    const expected = NAME.charCodeAt(index);
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== expected) return false;
  }
  return true;
}

/** A number that fills the header's value, folded or not. */
function digits(bytes: Buffer, from: number, headEnd: number): number | undefined {
  let at = skipBlanks(bytes, from, headEnd);
  const first = at;
  let value = 0;
  for (; at < headEnd; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = Math.min(value * 10 + digit, Number.MAX_SAFE_INTEGER);
  }
  if (at === first) return undefined;
  return endsLine(bytes, skipBlanks(bytes, at, headEnd)) ? value : undefined;
}

function endsLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF;
}

/** Skips blanks, and line ends that a blank follows (RFC 3261 §7.3.1 folding). */
function skipBlanks(bytes: Buffer, from: number, headEnd: number): number {
  let at = from;
  while (at < headEnd) {
    if (bytes[at] === SP || bytes[at] === HTAB) at++;
    else if (endsLine(bytes, at) && (bytes[at + 2] === SP || bytes[at + 2] === HTAB)) at += 3;
    else break;
  }
  return at;
}
