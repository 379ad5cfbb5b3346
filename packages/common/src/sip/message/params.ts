// ;name=value lists of headers and URIs, read where needed. RFC 3261 §7.3.1, §19.1.1.
import {
  BARE,
  BLANK,
  isSpace,
  isToken,
  QUOTED_INSIDE,
  quote,
  quotedEnd,
  skipSpace,
  unquote,
} from "./scan.ts";

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;

/** One parameter with its semicolon: token, param-unreserved and paramchar for the name. */
const NAME = "[\\w\\-.!%*+`'~[\\]/:&$()]+";
const VALUE = `(?:"${QUOTED_INSIDE}"|${BARE}+)`;
const PARAM = `;${BLANK}*${NAME}${BLANK}*(?:=${BLANK}*${VALUE}${BLANK}*)?`;
const ONE_PARAM = new RegExp(PARAM, "y");
/** Any number of parameters, as source of a regular expression. */
export const PARAMS: string = `(?:${PARAM})*`;
const ALL_PARAMS = new RegExp(`${PARAMS}$`, "y");
const NAME_RUN = new RegExp(NAME, "y");
const BARE_RUN = new RegExp(`${BARE}*`, "y");

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
    ALL_PARAMS.lastIndex = start;
    if (!ALL_PARAMS.test(text)) return undefined;
    return new Params(start === 0 ? text : text.slice(start));
  }

  /** For text that an expression with `PARAMS` has matched. */
  static fromChecked(text: string): Params {
    return text === "" ? Params.none : new Params(text);
  }

  /** The value without quotes, "" for a parameter without value, undefined when absent. */
  get(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : this.#valueAt(at + name.length);
  }

  has(name: string): boolean {
    return this.#find(name) >= 0;
  }

  /** RFC 3261 §7.3.1: no name may stand twice; who reads them may take the first or the last. */
  isDouble(name: string): boolean {
    const first = this.#find(name);
    return (
      first >= 0 && this.#find(name, paramEnd(this.#text, this.#text.lastIndexOf(";", first))) >= 0
    );
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
  #find(name: string, from = 0): number {
    const text = this.#text;
    for (let at = from; at < text.length; at = paramEnd(text, at)) {
      const nameAt = skipSpace(text, at + 1);
      if (sameName(text, nameAt, name) && endsName(text, nameAt + name.length)) return nameAt;
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
  if ((text.charCodeAt(at) | 32) !== (name.charCodeAt(0) | 32)) return false;
  if (text.startsWith(name, at)) return true;
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

/** Hosts and IPv6 references may stand unquoted too (RFC 3261 §25.1, gen-value). */
function isPlain(value: string): boolean {
  return isToken(value) || /^[\w.:[\]-]+$/.test(value);
}

/** True where a name that starts well has its end: `=`, `;`, white space or nothing follows. */
function endsName(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === EQUALS || code === SEMICOLON || Number.isNaN(code) || isSpace(code);
}

/** The index behind the parameter whose semicolon stands at `at`. */
function paramEnd(text: string, at: number): number {
  const next = text.indexOf(";", at + 1);
  if (next < 0) return text.length;
  // Looked for no further than to there, or many parameters are searched once for each of them.
  if (!text.slice(at + 1, next).includes('"')) return next;
  ONE_PARAM.lastIndex = at;
  ONE_PARAM.test(text);
  return ONE_PARAM.lastIndex || text.length;
}

function paramNameEnd(text: string, from: number): number {
  NAME_RUN.lastIndex = from;
  NAME_RUN.test(text);
  return NAME_RUN.lastIndex;
}

function bareEnd(text: string, from: number): number {
  BARE_RUN.lastIndex = from;
  BARE_RUN.test(text);
  return BARE_RUN.lastIndex;
}
