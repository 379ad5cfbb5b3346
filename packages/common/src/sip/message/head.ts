// The head of a received message: its text with an index of its header lines. RFC 3261 §7.3.
import { type Field, type Reading, readFolded, readValue, textAt } from "./header-line.ts";
import type { HeaderName } from "./header-names.ts";
import { parseNumber, skipSpace, trimmedEnd } from "./scan.ts";

/** Immutable but for what was read from it: messages and answers made of it share it. */
export class Head {
  static readonly none: Head = new Head("", Buffer.alloc(0), [], [0], []);
  /** Start line and header lines, each with its line end; latin1: one character, one octet. */
  readonly text: string;
  /** The same, as they came. */
  readonly #octets: Buffer;
  /** Of each line. */
  readonly headers: readonly HeaderName[];
  /** Of each line where it starts and where its value does, negative when it is folded; last where one more line would start. */
  readonly #marks: readonly number[];
  /** As many as lines. */
  readonly #readings: Reading[];

  constructor(
    text: string,
    octets: Buffer,
    headers: readonly HeaderName[],
    marks: readonly number[],
    readings: Reading[],
  ) {
    this.text = text;
    this.#octets = octets;
    this.headers = headers;
    this.#marks = marks;
    this.#readings = readings;
  }

  /** Of the lines `[first, end)`, each with its line end. */
  octetsOf(first: number, end: number): number {
    return (this.#marks[2 * end] ?? 0) - (this.#marks[2 * first] ?? 0);
  }

  /** So many of the octets with which it begins; returns how many. */
  copyStart(to: Buffer, octets: number): number {
    return this.#octets.copy(to, 0, 0, octets);
  }

  /** The lines `[first, end)` as they stand; returns how many octets they have. */
  copyLines(first: number, end: number, to: Buffer, at: number): number {
    return this.#octets.copy(to, at, this.#marks[2 * first], this.#marks[2 * end]);
  }

  /** A line's value without folds and outer white space. */
  valueText(line: number): string {
    const marks = this.#marks;
    return textAt(this.text, Math.abs(marks[2 * line + 1] ?? 0), (marks[2 * line + 2] ?? 0) - 2);
  }

  /** Undefined when a line's value is no number, or folded. */
  number(line: number): number | undefined {
    const valueAt = this.#marks[2 * line + 1] ?? 0;
    if (valueAt < 0) return undefined;
    const end = (this.#marks[2 * line + 2] ?? 0) - 2;
    const from = skipSpace(this.text, valueAt, end);
    return parseNumber(this.text, Number.MAX_SAFE_INTEGER, from, trimmedEnd(this.text, from, end));
  }

  /** True when there is this line and it is `name: text` to the letter, so that no spelling of a peer's goes on in its place. */
  isWritten(line: number, name: string, text: string): boolean {
    if (line < 0) return false;
    const start = this.#marks[2 * line] ?? 0;
    const valueAt = start + name.length + 2;
    return (
      this.#marks[2 * line + 2] === valueAt + text.length + 2 &&
      this.text.startsWith(name, start) &&
      this.text.startsWith(": ", valueAt - 2) &&
      this.text.startsWith(text, valueAt)
    );
  }

  /** What a line says, read once. */
  reading(line: number, field: Field<unknown>): Reading {
    const known = this.#readings[line];
    if (known !== undefined) return known;
    const valueAt = this.#marks[2 * line + 1] ?? 0;
    const end = (this.#marks[2 * line + 2] ?? 0) - 2;
    const reading =
      valueAt < 0
        ? readFolded(field, this.valueText(line))
        : readValue(field, this.text, valueAt, end);
    this.#readings[line] = reading;
    return reading;
  }
}
