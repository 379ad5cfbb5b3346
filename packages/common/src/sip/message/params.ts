// ;name=value lists of headers and URIs, read where needed. RFC 3261 §7.3.1, §19.1.1.
import { isBareValue, isParamName, isToken, quote, quotedEnd, skipSpace, unquote } from "./scan.ts";

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;

/** Immutable; keeps the text as received and looks names up in it (case-insensitively). */
export class Params {
  static readonly none: Params = new Params("");
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Everything from `from` on must be `;name[=value]` repeated, else undefined. */
  static parse(text: string, from = 0): Params | undefined {
    const start = skipSpace(text, from);
    if (start === text.length) return Params.none;
    for (let at = start; at < text.length; ) {
      at = paramEnd(text, at);
      if (at < 0) return undefined;
    }
    return new Params(start === 0 ? text : text.slice(start));
  }

  /** The value without quotes, "" for a parameter without value, undefined when absent. */
  get(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : this.#valueAt(at + name.length);
  }

  has(name: string): boolean {
    return this.#find(name) >= 0;
  }

  /** Names in lower case with their values as `get` gives them. */
  *entries(): Generator<readonly [string, string]> {
    const text = this.#text;
    for (let at = 0; at < text.length; at = paramEnd(text, at)) {
      const nameAt = skipSpace(text, at + 1);
      const nameEnd = paramNameEnd(text, nameAt);
      yield [text.slice(nameAt, nameEnd).toLowerCase(), this.#valueAt(nameEnd)];
    }
  }

  /** With `name` set; a value that may not stand bare is quoted. */
  with(name: string, value = ""): Params {
    const rest = this.without(name).#text;
    if (value === "") return new Params(`${rest};${name}`);
    return new Params(`${rest};${name}=${isPlain(value) ? value : quote(value)}`);
  }

  without(name: string): Params {
    const nameAt = this.#find(name);
    if (nameAt < 0) return this;
    const semicolon = this.#text.lastIndexOf(";", nameAt);
    const behind = paramEnd(this.#text, semicolon);
    return new Params(this.#text.slice(0, semicolon) + this.#text.slice(behind));
  }

  /** `;a=b;c`, or "" when there is none. */
  toString(): string {
    return this.#text;
  }

  /** Where the parameter's name starts, -1 when there is none of this name. */
  #find(name: string): number {
    const text = this.#text;
    for (let at = 0; at < text.length; at = paramEnd(text, at)) {
      const nameAt = skipSpace(text, at + 1);
      if (sameName(text, nameAt, name) && !isParamName(text.charCodeAt(nameAt + name.length)))
        return nameAt;
    }
    return -1;
  }

  #valueAt(nameEnd: number): string {
    const text = this.#text;
    const equals = skipSpace(text, nameEnd);
    if (text.charCodeAt(equals) !== EQUALS) return "";
    const from = skipSpace(text, equals + 1);
    if (text.charCodeAt(from) === QUOTE) return unquote(text.slice(from, quotedEnd(text, from)));
    return text.slice(from, bareEnd(text, from));
  }
}

function sameName(text: string, at: number, name: string): boolean {
  if (text.startsWith(name, at)) return true;
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

/** Hosts and IPv6 references may stand unquoted too (RFC 3261 §25.1, gen-value). */
function isPlain(value: string): boolean {
  return isToken(value) || /^[\w.:[\]-]+$/.test(value);
}

/** The index behind the parameter whose semicolon stands at `at`, -1 when it is malformed. */
function paramEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== SEMICOLON) return -1;
  const nameAt = skipSpace(text, at + 1);
  const nameEnd = paramNameEnd(text, nameAt);
  if (nameEnd === nameAt) return -1;
  let end = skipSpace(text, nameEnd);
  if (text.charCodeAt(end) === EQUALS) {
    const valueAt = skipSpace(text, end + 1);
    const isQuoted = text.charCodeAt(valueAt) === QUOTE;
    const valueEnd = isQuoted ? quotedEnd(text, valueAt) : bareEnd(text, valueAt);
    if (valueEnd <= valueAt) return -1;
    end = skipSpace(text, valueEnd);
  }
  return end === text.length || text.charCodeAt(end) === SEMICOLON ? end : -1;
}

function paramNameEnd(text: string, from: number): number {
  let at = from;
  while (isParamName(text.charCodeAt(at))) at++;
  return at;
}

function bareEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBareValue(text.charCodeAt(at))) at++;
  return at;
}
