// ;name=value lists of headers and URIs, read where needed. RFC 3261 §7.3.1, §19.1.1.
import { isSpace, isToken, quote, quotedEnd, skipSpace, tokenEnd, unquote } from "./scan.ts";

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;

/** Where one parameter stands in its text. `valueAt` is -1 for a parameter without value. */
interface Span {
  nameAt: number;
  nameEnd: number;
  valueAt: number;
  end: number;
}

/** Immutable; keeps the text as received and looks names up in it (case-insensitively). */
export class Params {
  static readonly none: Params = new Params("");
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Everything from `from` on must be `;name[=value]` repeated, else undefined. */
  static parse(text: string, from = 0): Params | undefined {
    const rest = text.slice(from).trim();
    if (rest === "") return Params.none;
    for (let at = 0; at < rest.length; ) {
      const span = spanAt(rest, at);
      if (span === undefined) return undefined;
      at = span.end;
    }
    return new Params(rest);
  }

  /** The value without quotes, "" for a parameter without value, undefined when absent. */
  get(name: string): string | undefined {
    const span = this.#find(name);
    if (span === undefined) return undefined;
    if (span.valueAt < 0) return "";
    const value = this.#text.slice(span.valueAt, span.end).trimEnd();
    return value.charCodeAt(0) === QUOTE ? unquote(value) : value;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Names in lower case with their values as `get` gives them. */
  *entries(): Generator<readonly [string, string]> {
    for (let at = 0; at < this.#text.length; ) {
      const span = spanAt(this.#text, at);
      if (span === undefined) return;
      const name = this.#text.slice(span.nameAt, span.nameEnd).toLowerCase();
      yield [name, this.get(name) ?? ""];
      at = span.end;
    }
  }

  /** With `name` set; a value that is no token is quoted. */
  with(name: string, value = ""): Params {
    const rest = this.without(name).#text;
    if (value === "") return new Params(`${rest};${name}`);
    return new Params(`${rest};${name}=${isPlain(value) ? value : quote(value)}`);
  }

  without(name: string): Params {
    const span = this.#find(name);
    if (span === undefined) return this;
    const semicolon = this.#text.lastIndexOf(";", span.nameAt);
    return new Params(this.#text.slice(0, semicolon) + this.#text.slice(span.end));
  }

  /** `;a=b;c`, or "" when there is none. */
  toString(): string {
    return this.#text;
  }

  #find(name: string): Span | undefined {
    const text = this.#text;
    for (let at = 0; at < text.length; ) {
      const span = spanAt(text, at);
      if (span === undefined) return undefined;
      if (span.nameEnd - span.nameAt === name.length && sameName(text, span.nameAt, name))
        return span;
      at = span.end;
    }
    return undefined;
  }
}

function sameName(text: string, at: number, name: string): boolean {
  return (
    text.startsWith(name, at) ||
    text.slice(at, at + name.length).toLowerCase() === name.toLowerCase()
  );
}

/** Hosts and IPv6 references may stand unquoted too (RFC 3261 §25.1, gen-value). */
function isPlain(value: string): boolean {
  return isToken(value) || /^[\w.:[\]-]+$/.test(value);
}

function spanAt(text: string, at: number): Span | undefined {
  if (text.charCodeAt(at) !== SEMICOLON) return undefined;
  const nameAt = skipSpace(text, at + 1);
  const nameEnd = paramNameEnd(text, nameAt);
  if (nameEnd === nameAt) return undefined;
  const behind = skipSpace(text, nameEnd);
  if (behind === text.length || text.charCodeAt(behind) === SEMICOLON)
    return { nameAt, nameEnd, valueAt: -1, end: behind };
  if (text.charCodeAt(behind) !== EQUALS) return undefined;
  const valueAt = skipSpace(text, behind + 1);
  const valueEnd =
    text.charCodeAt(valueAt) === QUOTE ? quotedEnd(text, valueAt) : bareEnd(text, valueAt);
  if (valueEnd <= valueAt) return undefined;
  const end = skipSpace(text, valueEnd);
  if (end < text.length && text.charCodeAt(end) !== SEMICOLON) return undefined;
  return { nameAt, nameEnd, valueAt, end };
}

/** Token characters, and `[ ] / : & + $` for URI parameters (RFC 3261 §25.1, param-unreserved). */
function paramNameEnd(text: string, from: number): number {
  let at = tokenEnd(text, from);
  while (at < text.length && "[]/:&+$()".includes(text.charAt(at))) at = tokenEnd(text, at + 1);
  return at;
}

function bareEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === SEMICOLON || code === QUOTE || code === 44 || code === 60 || code === 62) break;
    if (isSpace(code)) break;
  }
  return at;
}
