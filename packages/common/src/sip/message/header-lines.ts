// The header section: what must be in it, reads by name, edits that leave other lines alone. RFC 3261 §7.3.
import { type Field, HeaderLine } from "./header-line.ts";
import { canonicalName, headerName } from "./header-names.ts";

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
  const checked: (HeaderRule | undefined)[] = [];
  for (const name of new Set([...mandatory, ...fields.map((field) => field.name)])) {
    const field = fields.find((each) => each.name === name);
    const place = mandatory.indexOf(name);
    checked[headerName(name).index] = { name, field, bit: place < 0 ? 0 : 1 << place };
  }
  // No holes: reading beside an element that is there is slow.
  const dense = Array.from(checked, (rule) => rule);
  return { checked: dense, mandatory: (1 << mandatory.length) - 1 };
}

/** Header lines in order, with reads by name and edits that leave all other lines untouched. */
export class HeaderLines {
  protected lines: HeaderLine[];

  protected constructor(lines: HeaderLine[]) {
    this.lines = lines;
  }

  /** First line's value, unfolded; undefined when absent. */
  text(name: string): string | undefined {
    return this.#first(canonicalName(name))?.text;
  }

  /** Every value; values of list headers are split at their commas. */
  texts(name: string): string[] {
    const canonical = canonicalName(name);
    const values: string[] = [];
    for (const line of this.lines) {
      if (line.name !== canonical) continue;
      const several = line.severalValues;
      if (several === undefined) values.push(line.text);
      else values.push(...several);
    }
    return values;
  }

  has(name: string): boolean {
    return this.#first(canonicalName(name)) !== undefined;
  }

  /** True when one line has this canonical name, and it is written `name: text` to the letter. */
  isWritten(name: string, text: string): boolean {
    let count = 0;
    for (const line of this.lines) {
      if (line.name !== name) continue;
      if (++count > 1 || !line.isWritten(name, text)) return false;
    }
    return count === 1;
  }

  /** First value, parsed; undefined when absent or malformed. */
  get<T>(field: Field<T>): T | undefined {
    return this.#first(field.name)?.first(field);
  }

  /** All well-formed values, parsed. */
  all<T>(field: Field<T>): readonly T[] {
    const found: T[] = [];
    for (const line of this.lines) {
      if (line.name !== field.name) continue;
      const several = line.several(field) ?? [line.first(field)];
      for (const value of several) if (value !== undefined) found.push(value);
    }
    return found;
  }

  /** What is wrong first: a line that its field cannot read, or one that is missing or empty. */
  firstProblem({ checked, mandatory }: HeaderRules): string | undefined {
    let found = 0;
    for (const line of this.lines) {
      const rule = checked[line.header.index];
      if (rule === undefined) continue;
      const { field, bit } = rule;
      const isGood = field === undefined ? line.text !== "" : line.isWellFormed(field);
      if (isGood) found |= bit;
      else if (bit === 0 || line.text !== "") return `a malformed ${line.name}`;
    }
    if (found === mandatory) return undefined;
    const missing = checked.find((rule) => rule !== undefined && (rule.bit & ~found) !== 0);
    return `no ${missing?.name}`;
  }

  /** Replaces every line of this name by these values, where the first stood, else at the end. */
  set(name: string, value: string | readonly string[]): this {
    const canonical = canonicalName(name);
    const isNamed = (line: HeaderLine): boolean => line.name === canonical;
    const at = this.lines.findIndex(isNamed);
    const values = typeof value === "string" ? [value] : value;
    const fresh = values.map((text) => HeaderLine.of(name, text));
    const [only] = fresh;
    if (at < 0) this.lines.push(...fresh);
    else if (fresh.length === 1 && only !== undefined && at === this.lines.findLastIndex(isNamed))
      this.lines[at] = only; // mostly one line takes another's place
    else {
      const rest = this.lines.filter((line) => !isNamed(line));
      rest.splice(at, 0, ...fresh);
      this.lines = rest;
    }
    return this;
  }

  /** Puts a value on top of the others of this name (Via, Route, Record-Route, Path). */
  push(name: string, value: string): this {
    const canonical = canonicalName(name);
    const at = this.lines.findIndex((line) => line.name === canonical);
    this.lines.splice(Math.max(at, 0), 0, HeaderLine.of(name, value));
    return this;
  }

  /** Adds a line below the others of this name, else at the end. */
  append(name: string, value: string): this {
    const canonical = canonicalName(name);
    const at = this.lines.findLastIndex((line) => line.name === canonical);
    this.lines.splice(at < 0 ? this.lines.length : at + 1, 0, HeaderLine.of(name, value));
    return this;
  }

  /** Removes the topmost value and returns it. */
  pop(name: string): string | undefined {
    const canonical = canonicalName(name);
    const at = this.lines.findIndex((line) => line.name === canonical);
    const line = this.lines[at];
    if (line === undefined) return undefined;
    const several = line.severalValues;
    if (several === undefined) this.lines.splice(at, 1);
    else this.lines[at] = HeaderLine.of(name, several.slice(1).join(", "));
    return several === undefined ? line.text : several[0];
  }

  /** Removes the topmost values, so many of them. */
  drop(name: string, count: number): this {
    if (count === 0) return this;
    const canonical = canonicalName(name);
    let left = count;
    this.lines = this.lines.flatMap((line) => {
      if (left <= 0 || line.name !== canonical) return [line];
      const values = line.severalValues ?? [line.text];
      const kept = values.slice(left);
      left -= values.length;
      return kept.length === 0 ? [] : [HeaderLine.of(name, kept.join(", "))];
    });
    return this;
  }

  /** Puts another value in place of the topmost one. */
  replaceTop(name: string, value: string): this {
    const canonical = canonicalName(name);
    const at = this.lines.findIndex((line) => line.name === canonical);
    const several = this.lines[at]?.severalValues?.slice(1) ?? [];
    const values = [value, ...several].join(", ");
    this.lines.splice(Math.max(at, 0), at < 0 ? 0 : 1, HeaderLine.of(name, values));
    return this;
  }

  remove(name: string): this {
    const canonical = canonicalName(name);
    if (this.#first(canonical) !== undefined)
      this.lines = this.lines.filter((line) => line.name !== canonical);
    return this;
  }

  /** Removes every line of these canonical names, in one pass; returns those that were there. */
  removeAll(canonicalNames: ReadonlySet<string>): readonly string[] {
    const there = this.lines.filter((line) => canonicalNames.has(line.name));
    if (there.length === 0) return [];
    this.lines = this.lines.filter((line) => !canonicalNames.has(line.name));
    return [...new Set(there.map((line) => line.name))];
  }

  /** Canonical names in order of their lines (lower case for unknown ones). */
  names(): string[] {
    return this.lines.map((line) => line.name);
  }

  /** The lines whose canonical name passes, to be shared with another message. */
  linesNamed(passes: (canonical: string) => boolean): HeaderLine[] {
    return this.lines.filter((line) => passes(line.name));
  }

  /** The header section as it goes on the wire; runs of untouched lines are copied in one piece. */
  headerText(): string {
    let text = "";
    for (let at = 0; at < this.lines.length; ) {
      const first = this.lines[at];
      if (first === undefined) break;
      let { end } = first;
      for (at++; at < this.lines.length; at++) {
        const next = this.lines[at];
        if (next?.source !== first.source || next.start !== end + 2) break;
        end = next.end;
      }
      text += `${first.source.slice(first.start, end)}\r\n`;
    }
    return text;
  }

  #first(canonical: string): HeaderLine | undefined {
    const { lines } = this;
    for (let at = 0; at < lines.length; at++) if (lines[at]?.name === canonical) return lines[at];
    return undefined;
  }
}
