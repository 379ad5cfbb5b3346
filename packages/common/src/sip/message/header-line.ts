// One header line, and what its value says once somebody has asked. RFC 3261 §7.3.
import { type HeaderName, headerName } from "./header-names.ts";
import { skipSpace, sliceTrimmed, splitList, trimLws, trimmedEnd } from "./scan.ts";

/** How one header's values are read; each header name has exactly one (see fields.ts). */
export interface Field<T> {
  readonly name: string;
  readonly header: HeaderName;
  /** Of `text[from, to)`, by default the whole; undefined when malformed. */
  parse(text: string, from?: number, to?: number): T | undefined;
}

/** What a line says: its value, or `Several`. */
export type Reading = unknown;

const COMMA = 44;

/** Of a line with several values, or with none that is well formed; undefined for a malformed one. */
class Several {
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values;
  }
}

const MALFORMED = new Several([undefined]);

/** The value at `source[valueAt, end)`, which may have white space around it. */
export function readValue(
  field: Field<unknown>,
  source: string,
  valueAt: number,
  end: number,
): Reading {
  const from = skipSpace(source, valueAt, end);
  const to = trimmedEnd(source, from, end);
  // A value that can be read is one: a comma within it stands in quotes or brackets.
  return field.parse(source, from, to) ?? readText(field, source.slice(from, to));
}

/** The same of what has folds. */
export function readFolded(field: Field<unknown>, text: string): Reading {
  return field.parse(text) ?? readText(field, text);
}

function readText(field: Field<unknown>, text: string): Reading {
  const values = severalIn(field.header, text);
  if (values === undefined) return MALFORMED;
  return new Several(values.map((value) => (value === "" ? undefined : field.parse(value))));
}

/** The first value, undefined when malformed. */
export function firstOf(reading: Reading): unknown {
  return reading instanceof Several ? reading.values[0] : reading;
}

export function isGood(reading: Reading): boolean {
  return !(reading instanceof Several && reading.values.includes(undefined));
}

/** Those that are well formed. */
export function goodOf(reading: Reading): readonly unknown[] {
  if (reading instanceof Several) return reading.values.filter((value) => value !== undefined);
  return [reading];
}

/** The values of a line's text; undefined when it has only one, which is the text. */
export function severalIn(header: HeaderName, text: string): readonly string[] | undefined {
  return header.isList && text.includes(",") ? splitList(text) : undefined;
}

/** Whether a line's text has this among its values. @param text in lower case, as `value` is */
export function isListed(header: HeaderName, text: string, value: string): boolean {
  let at = text.indexOf(value);
  if (at < 0 || !header.isList) return text === value;
  // Commas that end no value: then it has to be split.
  if (text.includes('"') || text.includes("<") || value.includes(","))
    return splitList(text).includes(value);
  for (; at >= 0; at = text.indexOf(value, at + 1))
    if (isBetweenCommas(text, at, at + value.length)) return true;
  return false;
}

function isBetweenCommas(text: string, from: number, to: number): boolean {
  const before = trimmedEnd(text, 0, from);
  if (before > 0 && text.charCodeAt(before - 1) !== COMMA) return false;
  const after = skipSpace(text, to);
  return after === text.length || text.charCodeAt(after) === COMMA;
}

/** What stands behind the colon, without folds and outer white space. */
export function textAt(source: string, valueAt: number, end: number): string {
  const value = sliceTrimmed(source, valueAt, end);
  return value.includes("\r") ? unfold(value) : value;
}

function unfold(value: string): string {
  // Cut, not replaced: an expression looks at long white space once for each of its characters.
  return trimLws(value.split("\r\n").map(trimLws).join(" "));
}

/** A line that did not come with a message: put there by us. */
export class HeaderLine {
  readonly header: HeaderName;
  readonly #name: string;
  readonly #value: string;
  #reading: Reading;

  constructor(header: HeaderName, name: string, value: string) {
    this.header = header;
    this.#name = name;
    this.#value = value;
  }

  static of(name: string, value: string): HeaderLine {
    return new HeaderLine(headerName(name), name, value);
  }

  /** The value without folds and outer white space. */
  get text(): string {
    return textAt(this.#value, 0, this.#value.length);
  }

  /** Octets on the wire, the line end included. */
  get octets(): number {
    return this.#name.length + this.#value.length + 4;
  }

  isWellFormed(field: Field<unknown>): boolean {
    return isGood(this.reading(field));
  }

  isWritten(name: string, text: string): boolean {
    return this.#name === name && this.#value === text;
  }

  reading(field: Field<unknown>): Reading {
    const value = this.#value;
    this.#reading ??= value.includes("\r")
      ? readFolded(field, this.text)
      : readValue(field, value, 0, value.length);
    return this.#reading;
  }

  /** Returns where the line ends in `bytes`. */
  write(bytes: Buffer, at: number): number {
    const nameEnd = putText(bytes, at, this.#name);
    bytes[nameEnd] = COLON;
    bytes[nameEnd + 1] = SPACE;
    return putLineEnd(bytes, putText(bytes, nameEnd + 2, this.#value));
  }
}

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
/** Below this a call to write it costs more than writing it here. */
const SHORT = 24;

/** As latin1; returns where it ends in `bytes`. */
export function putText(bytes: Buffer, at: number, text: string): number {
  if (text.length > SHORT) return at + bytes.write(text, at, "latin1");
  for (let each = 0; each < text.length; each++) bytes[at + each] = text.charCodeAt(each);
  return at + text.length;
}

export function putLineEnd(bytes: Buffer, at: number): number {
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + 2;
}
