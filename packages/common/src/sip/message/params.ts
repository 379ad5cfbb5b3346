// ;name=value lists of headers and URIs, read where needed. RFC 3261 §7.3.1, §19.1.1.
import {
  BARE,
  isSpace,
  isToken,
  PARAM_NAME,
  quote,
  quotedEnd,
  runEnd,
  skipBlanks,
  skipSpace,
  trimmedEnd,
  unquote,
} from "./scan.ts";

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const NOWHERE = -1;
const UNKNOWN = -2;

/** What nearly every peer sends, as the source of an expression: a part of what `areParams` takes. */
export const PLAIN_PARAMS: string = '(?:;[\\w\\-.+]+(?:=(?:[!#-+\\-./0-:=?-~]+|"[^"\\\\\\r]*"))?)*';

/** True when `text[from, to)` is `;name[=value]` repeated, white space around each part. */
export function areParams(text: string, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    at = text.charCodeAt(at) === SEMICOLON ? oneParamEnd(text, at, to) : -1;
    if (at < 0) return false;
  }
  return true;
}

/** Behind the parameter whose semicolon stands at `at` and the white space after it; -1 when it is malformed. */
function oneParamEnd(text: string, at: number, to: number): number {
  const nameAt = skipBlanks(text, at + 1, to);
  const nameEnd = runEnd(text, nameAt, to, PARAM_NAME);
  if (nameEnd === nameAt) return -1;
  const equals = skipBlanks(text, nameEnd, to);
  if (equals === to || text.charCodeAt(equals) !== EQUALS) return equals;
  const valueAt = skipBlanks(text, equals + 1, to);
  if (valueAt === to) return -1;
  const isQuoted = text.charCodeAt(valueAt) === QUOTE;
  const end = isQuoted ? quotedEnd(text, valueAt, to) : runEnd(text, valueAt, to, BARE);
  return end <= valueAt ? -1 : skipBlanks(text, end, to);
}

/** Immutable; keeps its part of a text as received and looks names up in it (case-insensitively). */
export class Params {
  static readonly none: Params = new Params("", 0, 0);
  readonly #text: string;
  readonly #from: number;
  readonly #to: number;
  /** Before it a semicolon may stand within quotes, where it ends nothing. Looked for when it matters. */
  #lastQuote: number;

  private constructor(text: string, from: number, to: number, lastQuote: number = UNKNOWN) {
    this.#text = text;
    this.#from = from;
    this.#to = to;
    this.#lastQuote = lastQuote;
  }

  /** Everything from `from` on must be `;name[=value]` repeated, else undefined. */
  static parse(text: string, from = 0): Params | undefined {
    const start = skipSpace(text, from);
    if (!areParams(text, start, text.length)) return undefined;
    return Params.fromChecked(text, start, text.length);
  }

  /** For a part of a text of which `areParams` is true. */
  static fromChecked(text: string, from: number, to: number): Params {
    return from >= to ? Params.none : new Params(text, from, to);
  }

  /** The same where there are no quotes. */
  static withoutQuotes(text: string, from: number, to: number): Params {
    return new Params(text, from, to, NOWHERE);
  }

  /** The value without quotes, "" for a parameter without value, undefined when absent. */
  get(name: string): string | undefined {
    const at = this.#find(name, this.#from);
    return at < 0 ? undefined : valueAt(this.#text, at + name.length, this.#to);
  }

  has(name: string): boolean {
    return this.#find(name, this.#from) >= 0;
  }

  /** RFC 3261 §7.3.1: no name may stand twice; who reads them may take the first or the last. */
  isDouble(name: string): boolean {
    if (this.#from === this.#to) return false;
    const second = this.#text.indexOf(";", this.#from + 1);
    if (second < 0 || second >= this.#to) return false; // mostly there is only one
    const first = this.#find(name, this.#from);
    return first >= 0 && this.#find(name, this.#paramEnd(first)) >= 0;
  }

  /** Names in lower case with their values as `get` gives them. */
  *entries(): Generator<readonly [string, string]> {
    const text = this.#text;
    const to = this.#to;
    for (let at = this.#from; at < to; ) {
      const nameAt = skipSpace(text, at + 1, to);
      const nameEnd = runEnd(text, nameAt, to, PARAM_NAME);
      yield [text.slice(nameAt, nameEnd).toLowerCase(), valueAt(text, nameEnd, to)];
      at = this.#paramEnd(nameAt);
    }
  }

  /** With `name` set; a value that may not stand bare is quoted. */
  with(name: string, value = ""): Params {
    const rest = this.without(name).toString();
    const plain = isPlain(value) ? value : quote(value);
    const text = value === "" ? `${rest};${name}` : `${rest};${name}=${plain}`;
    return new Params(text, 0, text.length);
  }

  without(name: string): Params {
    const text = this.#text;
    const nameAt = this.#find(name, this.#from);
    if (nameAt < 0) return this;
    const before = text.slice(this.#from, text.lastIndexOf(";", nameAt));
    const left = before + text.slice(this.#paramEnd(nameAt), this.#to);
    return Params.fromChecked(left, 0, left.length);
  }

  /** `;a=b;c`, or "" when there is none. */
  toString(): string {
    return this.#text.slice(this.#from, this.#to);
  }

  /** Where the parameter's name starts, -1 when there is none of this name; @param from a semicolon or the end */
  #find(name: string, from: number): number {
    const text = this.#text;
    const to = this.#to;
    for (let at = from; at < to; ) {
      const nameAt = skipSpace(text, at + 1, to);
      if (sameName(text, nameAt, name) && endsName(text, nameAt + name.length, to)) return nameAt;
      at = this.#paramEnd(nameAt);
    }
    return -1;
  }

  /** Behind the parameter whose name starts at `nameAt`: at the next semicolon, or at the end. */
  #paramEnd(nameAt: number): number {
    const to = this.#to;
    if (this.#lastQuote === UNKNOWN)
      this.#lastQuote = this.#from + this.toString().lastIndexOf('"');
    const semicolon =
      nameAt < this.#lastQuote
        ? oneParamEnd(this.#text, nameAt - 1, to)
        : this.#text.indexOf(";", nameAt);
    return semicolon < 0 || semicolon > to ? to : semicolon;
  }
}

function valueAt(text: string, nameEnd: number, to: number): string {
  const equals = skipSpace(text, nameEnd, to);
  if (equals === to || text.charCodeAt(equals) !== EQUALS) return "";
  const from = skipSpace(text, equals + 1, to);
  if (text.charCodeAt(from) !== QUOTE) {
    const semicolon = text.indexOf(";", from);
    return text.slice(
      from,
      trimmedEnd(text, from, semicolon < 0 || semicolon > to ? to : semicolon),
    );
  }
  return unquote(text.slice(from, quotedEnd(text, from, to)));
}

function sameName(text: string, at: number, name: string): boolean {
  if ((text.charCodeAt(at) | 32) !== (name.charCodeAt(0) | 32)) return false;
  if (text.startsWith(name, at)) return true;
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

/** Hosts and IPv6 references may stand unquoted too (RFC 3261 §25.1, gen-value). */
function isPlain(value: string): boolean {
  return isToken(value) || /^[\w.:[\]-]+$/.test(value);
}

/** True where a name that starts well has its end: `=`, `;`, white space or nothing follows. */
function endsName(text: string, at: number, to: number): boolean {
  if (at >= to) return at === to;
  const code = text.charCodeAt(at);
  return code === EQUALS || code === SEMICOLON || isSpace(code);
}
