// One header line: kept as received, its values read when asked for. RFC 3261 §7.3.
import { type HeaderName, headerName } from "./header-names.ts";
import { sliceTrimmed, splitList, trimLws } from "./scan.ts";

/** How one header's values are read; each header name has exactly one (see fields.ts). */
export interface Field<T> {
  readonly name: string;
  /** Undefined when malformed. */
  parse(text: string): T | undefined;
}

/** One line as a part of the text it came with; immutable but for what was read from it. */
export class HeaderLine {
  readonly header: HeaderName;
  readonly source: string;
  readonly start: number;
  readonly valueAt: number;
  readonly end: number;
  #text: string | undefined;
  #read: Reading | undefined;

  constructor(header: HeaderName, source: string, start: number, valueAt: number, end: number) {
    this.header = header;
    this.source = source;
    this.start = start;
    this.valueAt = valueAt;
    this.end = end;
  }

  static of(name: string, value: string): HeaderLine {
    const line = `${name}: ${value}`;
    return new HeaderLine(headerName(name), line, 0, name.length + 2, line.length);
  }

  get name(): string {
    return this.header.name;
  }

  /** The value without folds and outer white space. */
  get text(): string {
    this.#text ??= unfold(this.source, this.valueAt, this.end);
    return this.#text;
  }

  /** To the letter, so that no spelling of a peer's goes on in its place. */
  isWritten(name: string, text: string): boolean {
    const { source, start, end } = this;
    const valueAt = start + name.length + 2;
    return (
      end === valueAt + text.length &&
      source.startsWith(name, start) &&
      source.startsWith(": ", valueAt - 2) &&
      source.startsWith(text, valueAt)
    );
  }

  /** Undefined for a line with one value, which is `text`. */
  get severalValues(): readonly string[] | undefined {
    return this.header.isList && this.text.includes(",") ? splitList(this.text) : undefined;
  }

  /** The first value, undefined when malformed. */
  first<T>(field: Field<T>): T | undefined {
    return this.#reading(field).first as T | undefined;
  }

  /** One entry per value of a line with several; undefined for a malformed one. */
  several<T>(field: Field<T>): readonly (T | undefined)[] | undefined {
    return this.#reading(field).several as readonly (T | undefined)[] | undefined;
  }

  isWellFormed(field: Field<unknown>): boolean {
    const { first, several } = this.#reading(field);
    return first !== undefined && !(several?.includes(undefined) ?? false);
  }

  #reading(field: Field<unknown>): Reading {
    this.#read ??= readingOf(field, this.text, this.severalValues);
    return this.#read;
  }
}

/** What a line says, once somebody has asked. */
interface Reading {
  readonly first: unknown;
  /** Only of a line with several values. */
  readonly several: readonly unknown[] | undefined;
}

function readingOf(
  field: Field<unknown>,
  text: string,
  values: readonly string[] | undefined,
): Reading {
  if (values === undefined) return { first: field.parse(text), several: undefined };
  const several = values.map((value) => (value === "" ? undefined : field.parse(value)));
  return { first: several[0], several };
}

/** What stands behind the colon, without folds and outer white space. */
export function unfold(source: string, valueAt: number, lineEnd: number): string {
  const value = sliceTrimmed(source, valueAt, lineEnd);
  if (!value.includes("\r")) return value;
  // Cut, not replaced: an expression looks at long white space once for each of its characters.
  const parts = value.split("\r\n");
  return parts.map(trimLws).join(" ");
}
