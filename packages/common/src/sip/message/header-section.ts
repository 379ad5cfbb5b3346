// Cuts a header section into lines without copying anything. RFC 3261 §7.3.1.
import { HeaderLine } from "./header-line.ts";
import { headerNameAt } from "./header-names.ts";

export interface HeaderSection {
  readonly lines: HeaderLine[];
  /** What is wrong with the section; the lines are those that could be read. */
  readonly problem: string | undefined;
}

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

const HTAB = 9;
const SPACE = 32;

/**
 * @param text the start line and the header lines as latin1 text, without the empty line
 * @param from where the first header line starts
 */
export function readHeaderSection(
  text: string,
  from: number,
  limits: MessageLimits = NO_LIMITS,
): HeaderSection {
  const lines: HeaderLine[] = [];
  let seen = 0;
  let before = 0; // whatever they hold: lines that are no headers cost as much
  let problem: string | undefined;
  for (let at = from; at < text.length; ) {
    const end = lineEndAt(text, at);
    if (end < 0) return { lines, problem: "a line end that is not CRLF" };
    const excess = excessOf(end - at, before++, limits);
    if (excess !== undefined) return { lines, problem: excess };
    const colon = text.indexOf(":", at);
    const header = colon < 0 || colon > end ? undefined : headerNameAt(text, at, colon);
    if (header === undefined) {
      problem ??= "a header line without a name and a colon";
    } else {
      if ((seen & header.onceBit) !== 0) problem ??= `more than one ${header.name}`;
      seen |= header.onceBit;
      lines.push(new HeaderLine(header, text, at, colon + 1, end));
    }
    at = end + 2;
  }
  return { lines, problem };
}

function excessOf(octets: number, before: number, limits: MessageLimits): string | undefined {
  if (octets > limits.maxHeaderBytes) return TOO_LONG_HEADER;
  return before >= limits.maxHeaders ? TOO_MANY_HEADERS : undefined;
}

/** Where this line ends, its folds included; -1 for a CR or LF that stands alone. */
function lineEndAt(text: string, from: number): number {
  for (let at = from; ; ) {
    const cr = text.indexOf("\r", at);
    const lf = text.indexOf("\n", at);
    if (cr < 0 && lf < 0) return text.length;
    if (cr < 0 || lf !== cr + 1) return -1;
    const next = text.charCodeAt(lf + 1);
    if (next !== SPACE && next !== HTAB) return cr;
    at = lf + 1;
  }
}
