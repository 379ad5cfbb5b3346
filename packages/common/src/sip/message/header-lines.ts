// Header lines in order: reads by name, edits that leave all other lines untouched. RFC 3261 §7.3.
import type { Head } from "./head.ts";
import {
  type Field,
  firstOf,
  goodOf,
  HeaderLine,
  isGood,
  isListed,
  type Reading,
  severalIn,
} from "./header-line.ts";
import {
  type HeaderName,
  type HeaderSet,
  headerName,
  INDEXES,
  isSameHeader,
} from "./header-names.ts";
import { lowerCase } from "./scan.ts";

/** One rule per header, by `HeaderName.index`; those with a bit must be there. */
export interface HeaderRules {
  readonly checked: readonly (HeaderRule | undefined)[];
  /** All bits. */
  readonly mandatory: number;
}

interface HeaderRule {
  readonly name: string;
  readonly field?: Field<unknown> | undefined;
  /** 0 for a header that may be left out. */
  readonly bit: number;
}

/** @param fields whose every value must be well formed; @param mandatory names of those that must be there */
export function headerRules(
  fields: readonly Field<unknown>[],
  mandatory: readonly string[],
): HeaderRules {
  // No holes, and none left out: reading beside an element that is there is slow.
  const checked = Array.from({ length: INDEXES }, (): HeaderRule | undefined => undefined);
  for (const name of new Set([...mandatory, ...fields.map((field) => field.name)])) {
    const field = fields.find((each) => each.name === name);
    const place = mandatory.indexOf(name);
    checked[headerName(name).index] = { name, field, bit: place < 0 ? 0 : 1 << place };
  }
  return { checked, mandatory: (1 << mandatory.length) - 1 };
}

/** The number of a line of the head, as it was received, or one of our own. */
export type Line = number | HeaderLine;

const MANY = 64;
/** Numbers in order, to be copied: made one by one they cost more than everything else in an edit. */
const ORDER: readonly Line[] = [...Array(MANY).keys(), HeaderLine.of("", "")];
/** Lines that most edited messages get: an array that has to grow for them takes as much again, and sixteen more. */
const ROOM = 3;

/** The first `count` lines of a head, in order. */
export function firstLines(count: number): Line[] {
  if (count + ROOM > MANY) return [...Array(count).keys()];
  const lines = ORDER.slice(0, count + ROOM);
  for (let spare = 0; spare < ROOM; spare++) lines.pop();
  return lines;
}

/** Behind the lines from `at` on that stand in a row in the head; one of our own is a run of its own. */
function endOfRun(lines: readonly Line[], at: number): number {
  let last = lines[at];
  let end = at + 1;
  for (; end < lines.length && typeof last === "number"; end++) {
    const line = lines[end];
    if (typeof line !== "number" || line !== last + 1) break;
    last = line;
  }
  return end;
}

const NONE: readonly never[] = [];

export class HeaderLines {
  readonly #head: Head;
  /** Undefined as long as they are those of the head, one after the other. */
  #lines: Line[] | undefined;

  protected constructor(head: Head, lines: Line[] | undefined) {
    this.#head = head;
    this.#lines = lines;
  }

  /** First line's value, unfolded; undefined when absent. */
  text(name: string): string | undefined {
    const at = this.#find(headerName(name));
    return at < 0 ? undefined : this.#text(at);
  }

  /** The topmost value as it stands, unfolded; undefined when absent. */
  topText(name: string): string | undefined {
    const header = headerName(name);
    const at = this.#find(header);
    if (at < 0) return undefined;
    const text = this.#text(at);
    return severalIn(header, text)?.[0] ?? text;
  }

  /** Every value; values of list headers are split at their commas. */
  texts(name: string): readonly string[] {
    const header = headerName(name);
    const first = this.#find(header);
    if (first < 0) return NONE;
    const found = this.#textsAt(first, header);
    const second = this.#find(header, first + 1);
    if (second < 0) return found; // mostly there is one line
    const all = [...found];
    for (let at = second; at >= 0; at = this.#find(header, at + 1))
      all.push(...this.#textsAt(at, header));
    return all;
  }

  has(name: string): boolean {
    return this.#find(headerName(name)) >= 0;
  }

  /** True when this is among the values, in any case: an option tag, a method. @param value in lower case */
  lists(name: string, value: string): boolean {
    const header = headerName(name);
    for (let at = this.#find(header); at >= 0; at = this.#find(header, at + 1)) {
      if (isListed(header, lowerCase(this.#text(at)), value)) return true;
    }
    return false;
  }

  /** First value, parsed; undefined when absent or malformed. */
  get<T>(field: Field<T>): T | undefined {
    const at = this.#find(field.header);
    return at < 0 ? undefined : (firstOf(this.#reading(at, field)) as T | undefined);
  }

  /** All well-formed values, parsed. */
  all<T>(field: Field<T>): readonly T[] {
    const { header } = field;
    const first = this.#find(header);
    if (first < 0) return NONE;
    const second = this.#find(header, first + 1);
    if (second < 0) return goodOf(this.#reading(first, field)) as readonly T[];
    const found = [...goodOf(this.#reading(first, field))];
    for (let at = second; at >= 0; at = this.#find(header, at + 1))
      found.push(...goodOf(this.#reading(at, field)));
    return found as T[];
  }

  /** All values, parsed; undefined when one of them is malformed. */
  allOrNone<T>(field: Field<T>): readonly T[] | undefined {
    const { header } = field;
    for (let at = this.#find(header); at >= 0; at = this.#find(header, at + 1))
      if (!isGood(this.#reading(at, field))) return undefined;
    return this.all(field);
  }

  /** What is wrong first: a line that its field cannot read, or one that is missing or empty. */
  firstProblem({ checked, mandatory }: HeaderRules): string | undefined {
    let found = 0;
    const count = this.#count();
    for (let at = 0; at < count; at++) {
      const rule = checked[this.#header(at).index];
      if (rule === undefined) continue;
      const { field, bit } = rule;
      const isRead = field === undefined ? this.#text(at) !== "" : isGood(this.#reading(at, field));
      if (isRead) found |= bit;
      else if (bit === 0 || this.#text(at) !== "") return `a malformed ${rule.name}`;
    }
    if (found === mandatory) return undefined;
    const missing = checked.find((rule) => rule !== undefined && (rule.bit & ~found) !== 0);
    return `no ${missing?.name}`;
  }

  /** Replaces every line of this name by these values, where the first stood, else at the end. */
  set(name: string, value: string | readonly string[]): this {
    const header = headerName(name);
    const at = this.#find(header);
    if (typeof value === "string" && (at < 0 || this.#find(header, at + 1) < 0)) {
      // Mostly one line takes another's place.
      this.#edited()[at < 0 ? this.#count() : at] = new HeaderLine(header, name, value);
      return this;
    }
    const values = typeof value === "string" ? [value] : value;
    const lines = values.map((text) => new HeaderLine(header, name, text));
    if (at < 0) this.#edited().push(...lines);
    else this.#removeFrom(header, at).splice(at, 0, ...lines);
    return this;
  }

  /** Puts a value on top of the others of this name (Via, Route, Record-Route, Path). */
  push(name: string, value: string): this {
    const header = headerName(name);
    this.#insert(Math.max(this.#find(header), 0), new HeaderLine(header, name, value));
    return this;
  }

  /** Adds a line below the others of this name, else at the end. */
  append(name: string, value: string): this {
    const header = headerName(name);
    let last = -1;
    for (let at = this.#find(header); at >= 0; at = this.#find(header, at + 1)) last = at;
    this.#insert(last < 0 ? this.#count() : last + 1, new HeaderLine(header, name, value));
    return this;
  }

  /** Removes the topmost value and returns it. */
  pop(name: string): string | undefined {
    const header = headerName(name);
    const at = this.#find(header);
    if (at < 0) return undefined;
    const text = this.#text(at);
    const several = severalIn(header, text);
    if (several === undefined) this.#edited().splice(at, 1);
    else this.#edited()[at] = new HeaderLine(header, name, several.slice(1).join(", "));
    return several === undefined ? text : several[0];
  }

  /** Removes the topmost values, so many of them. */
  drop(name: string, count: number): this {
    const header = headerName(name);
    let left = count;
    for (let at = this.#find(header); left > 0 && at >= 0; at = this.#find(header, at)) {
      const text = this.#text(at);
      const values = severalIn(header, text) ?? [text];
      const kept = values.slice(left);
      left -= values.length;
      if (kept.length === 0) this.#edited().splice(at, 1);
      else this.#edited()[at] = new HeaderLine(header, name, kept.join(", "));
    }
    return this;
  }

  /** Puts another value in place of the topmost one. */
  replaceTop(name: string, value: string): this {
    const header = headerName(name);
    const at = this.#find(header);
    if (at < 0) return this.push(name, value);
    const several = severalIn(header, this.#text(at))?.slice(1) ?? [];
    const values = several.length === 0 ? value : [value, ...several].join(", ");
    this.#edited()[at] = new HeaderLine(header, name, values);
    return this;
  }

  remove(name: string): this {
    const header = headerName(name);
    const at = this.#find(header);
    if (at >= 0) this.#removeFrom(header, at);
    return this;
  }

  /** Removes every line of these headers; returns the names of those that were there. */
  removeAll(headers: HeaderSet): string[] {
    const there: string[] = [];
    for (let at = 0; at < this.#count(); ) {
      const header = this.#header(at);
      if (headers.has(header)) {
        there.push(header.name);
        this.#removeFrom(header, at);
      } else at++;
    }
    return there;
  }

  /** Canonical names in order of their lines (lower case for unknown ones). */
  names(): string[] {
    return Array.from({ length: this.#count() }, (_, at) => this.#header(at).name);
  }

  /** The header section as it goes on the wire. */
  headerText(): string {
    const bytes = Buffer.allocUnsafe(this.headerOctets());
    this.writeHeaders(bytes, 0);
    return bytes.toString("latin1");
  }

  /** So many octets with which the head begins; returns where they end in `bytes`. */
  protected copyStart(bytes: Buffer, octets: number): number {
    return this.#head.copyStart(bytes, octets);
  }

  /** Octets of the header section on the wire. */
  protected headerOctets(): number {
    const head = this.#head;
    const lines = this.#lines;
    if (lines === undefined) return head.octetsOf(0, head.headers.length);
    let octets = 0;
    for (let at = 0; at < lines.length; ) {
      const line = lines[at] ?? 0;
      const end = endOfRun(lines, at);
      octets += typeof line === "number" ? head.octetsOf(line, line + end - at) : line.octets;
      at = end;
    }
    return octets;
  }

  /** Runs of lines as they were received are copied, what is between them is written. Returns where they end. */
  protected writeHeaders(bytes: Buffer, from: number): number {
    const head = this.#head;
    const lines = this.#lines;
    if (lines === undefined) return from + head.copyLines(0, head.headers.length, bytes, from);
    let to = from;
    for (let at = 0; at < lines.length; ) {
      const line = lines[at] ?? 0;
      const end = endOfRun(lines, at);
      if (typeof line === "number") to += head.copyLines(line, line + end - at, bytes, to);
      else to = line.write(bytes, to);
      at = end;
    }
    return to;
  }

  /** True when one line has this canonical name, and it is written `name: text` to the letter. */
  protected isWritten(name: string, text: string): boolean {
    const header = headerName(name);
    const at = this.#find(header);
    if (at < 0 || this.#find(header, at + 1) >= 0) return false;
    const line = this.#lines === undefined ? at : (this.#lines[at] ?? 0);
    return typeof line === "number"
      ? this.#head.isWritten(line, name, text)
      : line.isWritten(name, text);
  }

  /** The head and the lines, for a message whose edits leave this one as it is. */
  protected copied(): { head: Head; lines: Line[] | undefined } {
    return { head: this.#head, lines: this.#lines?.slice() };
  }

  /** The lines of these headers, for another message with the same head. */
  protected picked(headers: HeaderSet): { head: Head; lines: Line[] } {
    const lines: Line[] = [];
    for (let at = 0; at < this.#count(); at++)
      if (headers.has(this.#header(at))) lines.push(this.#line(at));
    return { head: this.#head, lines };
  }

  #count(): number {
    return this.#lines === undefined ? this.#head.headers.length : this.#lines.length;
  }

  #line(at: number): Line {
    return this.#lines === undefined ? at : (this.#lines[at] ?? 0);
  }

  #header(at: number): HeaderName {
    const line = this.#line(at);
    const header = typeof line === "number" ? this.#head.headers[line] : line.header;
    if (header === undefined) throw new RangeError(`no header line ${at}`);
    return header;
  }

  #textsAt(at: number, header: HeaderName): readonly string[] {
    const text = this.#text(at);
    return severalIn(header, text) ?? [text];
  }

  #text(at: number): string {
    const line = this.#line(at);
    return typeof line === "number" ? this.#head.valueText(line) : line.text;
  }

  #reading(at: number, field: Field<unknown>): Reading {
    const line = this.#line(at);
    return typeof line === "number" ? this.#head.reading(line, field) : line.reading(field);
  }

  /** The first line of this header from `from` on, -1 when there is none. */
  #find(header: HeaderName, from = 0): number {
    const { headers } = this.#head;
    const lines = this.#lines;
    if (header.index === 0) return this.#findOther(header, from);
    if (lines === undefined) {
      for (let at = from; at < headers.length; at++) if (headers[at] === header) return at;
      return -1;
    }
    for (let at = from; at < lines.length; at++) {
      const line = lines[at] ?? 0;
      if ((typeof line === "number" ? headers[line] : line.header) === header) return at;
    }
    return -1;
  }

  #findOther(header: HeaderName, from: number): number {
    const count = this.#count();
    for (let at = from; at < count; at++) if (isSameHeader(this.#header(at), header)) return at;
    return -1;
  }

  /** The lines, to be edited. */
  #edited(): Line[] {
    this.#lines ??= firstLines(this.#head.headers.length);
    return this.#lines;
  }

  #insert(at: number, line: HeaderLine): void {
    const lines = this.#edited();
    lines.push(line);
    for (let to = lines.length - 1; to > at; to--) lines[to] = lines[to - 1] ?? line;
    lines[at] = line;
  }

  #removeFrom(header: HeaderName, from: number): Line[] {
    const lines = this.#edited();
    let kept = from;
    for (let at = from; at < lines.length; at++) {
      if (isSameHeader(this.#header(at), header)) continue;
      lines[kept++] = this.#line(at);
    }
    lines.length = kept;
    return lines;
  }
}
