// Lines of a header section: where each lies, and what is wrong with them. RFC 3261 §7.3.1, §25.1.
import { Head } from "./head.ts";
import { HeaderLine, type Reading } from "./header-line.ts";
import { firstLines, type Line } from "./header-lines.ts";
import {
  type HeaderName,
  headerName,
  knownHeaderAt,
  LOWER,
  likelyHeaderAt,
  nextHash,
  otherHeader,
} from "./header-names.ts";
import { isBlank, isControl, isIn, TOKEN } from "./scan.ts";

const LF = 10;
const CR = 13;
const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

/** What a decoder takes of one message. */
export interface MessageLimits {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

const NO_LIMITS: MessageLimits = {
  maxHeaders: Number.POSITIVE_INFINITY,
  maxHeaderBytes: Number.POSITIVE_INFINITY,
};

export const TOO_MANY_HEADERS = "too many header lines";
export const TOO_LONG_HEADER = "a header line too long";
const LONE_LINE_END = "a line end that is not CRLF";
const NO_HEADER = "a header line without a name and a colon";
const CONTENT_LENGTH: HeaderName = headerName("Content-Length");
const NOT_A_HEADER: HeaderName = otherHeader("");

/** Of a line: a CR or LF stands alone in it; it holds another control octet; it goes on behind a line end. */
const LONE_END = 1;
const CONTROL = 2;
const FOLDED = 4;

const NONE = -1;
const SEVERAL = -2;

/** No datagram has more. */
const USUAL_OCTETS = 65_536;
/** One octet and the line end. */
const SHORTEST_LINE = 3;
/** Octets of zero behind the message: every scan ends there. */
const SENTINEL = 4;
/** What may be looked at behind it: a whole name, were one to begin at its end. */
const MARGIN = 64;

/** Reads heads, one after the other; its fields speak of the last one. Offsets count from the start line. */
class HeadReader {
  #octets = new Uint8Array(USUAL_OCTETS + MARGIN);
  /** The same memory, four octets at a time. */
  #words = new Int32Array(this.#octets.buffer);
  /** The same, wherever a word begins. */
  #view = new DataView(this.#octets.buffer);
  #starts = new Int32Array(USUAL_OCTETS / SHORTEST_LINE + 2);
  #flags = new Uint8Array(USUAL_OCTETS / SHORTEST_LINE + 2);
  #lines = 0;
  /** Flags of the line that is looked at. */
  #found = 0;
  /** Of the line whose name was read last. */
  #valueAt = 0;
  /** Where the start line ends. */
  startLineEnd = 0;
  /** Behind the empty line; -1 when there is none. */
  bodyAt = 0;
  /** Of the Content-Length; negative when there is none, or more than one. */
  lengthLine: number = NONE;
  /** What is wrong with the header lines first. */
  problem: string | undefined;
  /** The lines that may be kept and repeated; undefined when all may. */
  kept: Line[] | undefined;

  /** @param start of the start line in `bytes` */
  read(bytes: Buffer, start: number, limits: MessageLimits = NO_LIMITS): Head {
    const length = this.#take(bytes, start);
    this.problem = undefined;
    this.kept = undefined;
    this.lengthLine = NONE;
    const end = this.#findLines(length, limits);
    const text = bytes.toString("latin1", start, start + end);
    const isCut = this.#lines > 0 && !text.endsWith("\r\n");
    this.#starts[this.#lines] = isCut ? end + 2 : end;
    if (isCut) return this.#indexed(`${text}\r\n`, Buffer.from(`${text}\r\n`, "latin1"));
    return this.#indexed(text, start === 0 ? bytes : bytes.subarray(start));
  }

  /** Into memory of our own, whose words are aligned; returns how many. */
  #take(bytes: Buffer, start: number): number {
    const length = bytes.length - start;
    if (length + MARGIN > this.#octets.length) {
      const room = (length + MARGIN + 3) & ~3;
      this.#octets = new Uint8Array(room);
      this.#words = new Int32Array(this.#octets.buffer);
      this.#view = new DataView(this.#octets.buffer);
      this.#starts = new Int32Array(room / SHORTEST_LINE + 2);
      this.#flags = new Uint8Array(room / SHORTEST_LINE + 2);
    }
    this.#octets.set(start === 0 ? bytes : bytes.subarray(start));
    for (let at = length; at < length + SENTINEL; at++) this.#octets[at] = 0;
    return length;
  }

  /** Returns where the lines end, their line ends included. */
  #findLines(length: number, limits: MessageLimits): number {
    this.#lines = 0;
    this.bodyAt = -1;
    let end = this.#nextLineEnd(0, length);
    this.startLineEnd = end;
    while (end < length) {
      const start = end + 2;
      if (this.#isLineEnd(start)) {
        this.bodyAt = start + 2;
        return start;
      }
      if (start === length) break;
      this.#found = 0;
      end = this.#foldsEnd(start, length);
      if (!this.#add(start, end, limits)) return start;
    }
    return length;
  }

  /** Where the header line ends that begins at `start`: at a CRLF that no blank follows. */
  #foldsEnd(start: number, length: number): number {
    let end = this.#nextLineEnd(start, length);
    while (end < length && isBlank(this.#octets[end + 2] ?? 0)) {
      this.#found |= FOLDED;
      end = this.#nextLineEnd(end + 2, length);
    }
    return end;
  }

  /** Where the next CRLF is, `length` behind the last; a CR or LF that stands alone ends nothing. */
  #nextLineEnd(from: number, length: number): number {
    for (let at = this.#nextUnusual(from); at < length; at = this.#nextUnusual(at + 1)) {
      if (this.#isLineEnd(at)) return at;
      const octet = this.#octets[at] ?? 0;
      if (octet === CR || octet === LF) this.#found |= LONE_END;
      else if (isControl(octet)) this.#found |= CONTROL;
    }
    return length;
  }

  #isLineEnd(at: number): boolean {
    return this.#octets[at] === CR && this.#octets[at + 1] === LF;
  }

  /** Of the first octet from `from` on that is no printable ASCII. */
  #nextUnusual(from: number): number {
    const words = this.#words;
    let word = from >> 2;
    let marked = unusualIn(words[word] ?? 0) & (-1 << ((from & 3) * 8));
    for (;;) {
      while (marked === 0) marked = unusualIn(words[++word] ?? 0);
      const at = (word << 2) + ((31 - Math.clz32(marked & -marked)) >> 3);
      if (isUnusual(this.#octets[at] ?? 0)) return at;
      marked &= marked - 1;
    }
  }

  /** False where a limit is reached: then nothing more is read. */
  #add(start: number, end: number, limits: MessageLimits): boolean {
    if (end - start > limits.maxHeaderBytes) this.problem = TOO_LONG_HEADER;
    else if (this.#lines >= limits.maxHeaders) this.problem = TOO_MANY_HEADERS;
    else {
      this.#starts[this.#lines] = start;
      this.#flags[this.#lines++] = this.#found;
      return true;
    }
    return false;
  }

  #indexed(text: string, octets: Buffer): Head {
    const count = this.#lines;
    const starts = this.#starts;
    const view = this.#view;
    const headers = new Array<HeaderName>(count);
    const marks = new Array<number>(2 * count + 1);
    const readings = new Array<Reading>(count);
    let seen = 0;
    for (let line = 0; line < count; line++) {
      const start = starts[line] ?? 0;
      const flags = this.#flags[line] ?? 0;
      const likely = flags === 0 ? likelyHeaderAt(view, start) : undefined;
      const header = likely ?? this.#headerOf(start, flags, text);
      const valueAt = likely === undefined ? this.#valueAt : start + likely.name.length + 1;
      marks[2 * line] = start;
      marks[2 * line + 1] = (flags & FOLDED) === 0 ? valueAt : -valueAt;
      headers[line] = header;
      readings[line] = undefined;
      if ((seen & header.onceBit) !== 0) this.problem ??= `more than one ${header.name}`;
      seen |= header.onceBit;
      this.#accept(line, header, flags, text);
    }
    marks[2 * count] = starts[count] ?? 0;
    return new Head(text, octets, headers, marks, readings);
  }

  #accept(line: number, header: HeaderName, flags: number, text: string): void {
    if (header === CONTENT_LENGTH) this.lengthLine = this.lengthLine === NONE ? line : SEVERAL;
    if (header === NOT_A_HEADER) this.#leaveOut(line);
    else if ((flags & CONTROL) !== 0) this.#checkControls(line, header, text);
    else this.kept?.push(line);
  }

  /** `NOT_A_HEADER` for what is no header line; such a line is none to be kept, read or repeated. */
  #headerOf(start: number, flags: number, text: string): HeaderName {
    const octets = this.#octets;
    this.#valueAt = start;
    if ((flags & LONE_END) !== 0) {
      this.problem ??= LONE_LINE_END;
      return NOT_A_HEADER;
    }
    let at = start;
    let hash = 0;
    for (let octet = octets[at] ?? 0; isIn(octet, TOKEN); octet = octets[++at] ?? 0)
      hash = nextHash(hash, octet | LOWER);
    const nameEnd = at;
    // RFC 3261 §25.1, HCOLON: SP and HTAB may stand before the colon, nothing else that looks like a blank.
    while (isBlank(octets[at] ?? 0)) at++;
    if (nameEnd === start || octets[at] !== COLON) {
      this.problem ??= NO_HEADER;
      return NOT_A_HEADER;
    }
    this.#valueAt = at + 1;
    return knownHeaderAt(octets, start, nameEnd, hash) ?? otherHeader(text.slice(start, nameEnd));
  }

  /** Where none may stand, the line is kept without them: for the answer that refuses it. */
  #checkControls(line: number, header: HeaderName, text: string): void {
    const end = (this.#starts[line + 1] ?? 0) - 2;
    if (areQuotedPairs(text, this.#starts[line] ?? 0, end)) {
      this.kept?.push(line);
      return;
    }
    this.problem ??= "a control octet in a header line";
    this.#leaveOut(line);
    this.kept?.push(HeaderLine.of(header.name, withoutControls(text.slice(this.#valueAt, end))));
  }

  #leaveOut(line: number): void {
    this.kept ??= firstLines(line);
  }
}

/** One for all: a message is read in one go. */
export const headReader: HeadReader = new HeadReader();

function isUnusual(octet: number): boolean {
  return octet < 32 || octet > 126;
}

const TOP_BITS = 0x80808080;

/** The top bit of each octet below 32 or above 126, and of some behind one. Little-endian, as every machine that Node runs on. */
function unusualIn(word: number): number {
  return ((word - 0x20202020) | (word + 0x01010101)) & TOP_BITS;
}

function isForbidden(octet: number): boolean {
  return isControl(octet) && octet !== CR && octet !== LF;
}

/** Whether the control octets of a line are quoted-pairs: within quotes, behind a backslash. */
function areQuotedPairs(text: string, from: number, to: number): boolean {
  let isQuoted = false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isQuoted = !isQuoted;
    else if (code === BACKSLASH && isQuoted) at++;
    else if (isForbidden(code)) return false;
  }
  return true;
}

function withoutControls(text: string): string {
  return [...text].map((each) => (isForbidden(each.charCodeAt(0)) ? "?" : each)).join("");
}
