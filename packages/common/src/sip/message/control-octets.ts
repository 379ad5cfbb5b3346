// Control octets in a header section: where none may stand, and how it is seen that there are none. RFC 3261 §25.1.
import { isControl } from "./scan.ts";

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;

/** True when `bytes[from, to)` holds a control octet other than HTAB, CR and LF. It is asked of each message: sixteen octets at a time. */
export function hasControls(bytes: Buffer, from: number, to: number): boolean {
  const { buffer, byteOffset } = bytes;
  const first = (byteOffset + from + 3) & ~3;
  const last = (byteOffset + to) & ~3;
  if (last <= first) return isAnyControl(bytes, from, to);
  const whole = first - byteOffset;
  const words = new Int32Array(buffer, first, (last - first) >> 2);
  return (
    isAnyControl(bytes, from, whole) ||
    isAnyControl(bytes, last - byteOffset, to) ||
    isAnyInWords(words, bytes, whole)
  );
}

/** @param shift where the words begin in `bytes` */
function isAnyInWords(words: Int32Array, bytes: Buffer, shift: number): boolean {
  const end = words.length & ~3;
  for (let at = 0; at < end; at += 4) {
    const suspects =
      suspectsIn(words[at] ?? 0) |
      suspectsIn(words[at + 1] ?? 0) |
      suspectsIn(words[at + 2] ?? 0) |
      suspectsIn(words[at + 3] ?? 0);
    if ((suspects & TOP_BITS) !== 0 && isAnyInFour(words, at, bytes, shift)) return true;
  }
  return isAnyControl(bytes, shift + 4 * end, shift + 4 * words.length);
}

function isAnyInFour(words: Int32Array, first: number, bytes: Buffer, shift: number): boolean {
  for (let at = first; at < first + 4; at++) {
    if ((suspectsIn(words[at] ?? 0) & TOP_BITS) === 0) continue;
    const octet = shift + 4 * at;
    if (isAnyControl(bytes, octet, octet + 4)) return true;
  }
  return false;
}

const TOP_BITS = 0x80808080;

/** The top bit is set of each octet below 32 or above 126: of line ends, mostly. */
function suspectsIn(word: number): number {
  return (word - 0x20202020) | (word + 0x01010101);
}

function isAnyControl(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (isForbidden(bytes[at] ?? 0)) return true;
  return false;
}

function isForbidden(octet: number): boolean {
  return isControl(octet) && octet !== CR && octet !== LF;
}

/** Whether those of one line are quoted-pairs: within quotes, behind a backslash. */
export function areQuotedPairs(text: string, from: number, to: number): boolean {
  let isQuoted = false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isQuoted = !isQuoted;
    else if (code === BACKSLASH && isQuoted) at++;
    else if (isForbidden(code)) return false;
  }
  return true;
}

/** For the answer that refuses them: lines that a response repeats come back without them. */
export function withoutControls(text: string): string {
  return [...text].map((each) => (isForbidden(each.charCodeAt(0)) ? "?" : each)).join("");
}
