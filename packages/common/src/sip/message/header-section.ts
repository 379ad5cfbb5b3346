// Cuts a header section into lines without copying anything. RFC 3261 §7.3.1.
import { areQuotedPairs, hasControls, withoutControls } from "./control-octets.ts";
import { HeaderCursor } from "./header-cursor.ts";
import { HeaderLine } from "./header-line.ts";

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

/**
 * @param text the start line and the header lines as latin1 text, without the empty line
 * @param shift where the text begins in `bytes`
 * @param from where the first header line starts in the text
 */
export function readHeaderSection(
  bytes: Buffer,
  text: string,
  shift: number,
  from: number,
  limits: MessageLimits = NO_LIMITS,
): HeaderSection {
  const lines: HeaderLine[] = [];
  const cursor = new HeaderCursor(text, from);
  const isClean = !hasControls(bytes, shift + from, shift + text.length);
  let seen = 0;
  let before = 0; // whatever they hold: lines that are no headers cost as much
  let problem: string | undefined;
  while (cursor.next()) {
    const { header, start, end } = cursor;
    const excess = excessOf(end - start, before++, limits);
    if (excess !== undefined) return { lines, problem: excess };
    if (cursor.problem !== undefined || header === undefined) {
      problem ??= cursor.problem;
      continue;
    }
    if ((seen & header.onceBit) !== 0) problem ??= `more than one ${header.name}`;
    seen |= header.onceBit;
    const isPlain = isClean || areQuotedPairs(text, start, end);
    if (!isPlain) problem ??= "a control octet in a header line";
    lines.push(
      isPlain
        ? new HeaderLine(header, text, start, cursor.valueAt, end)
        : HeaderLine.of(header.name, withoutControls(text.slice(cursor.valueAt, end))),
    );
  }
  return { lines, problem };
}

function excessOf(octets: number, before: number, limits: MessageLimits): string | undefined {
  if (octets > limits.maxHeaderBytes) return TOO_LONG_HEADER;
  return before >= limits.maxHeaders ? TOO_MANY_HEADERS : undefined;
}
