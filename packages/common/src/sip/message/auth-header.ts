// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import {
  AUTH_VALUE,
  codesOf,
  hasCodesAt,
  isBlank,
  quote,
  quotedEnd,
  runEnd,
  skipBlanks,
  TOKEN,
  unquote,
} from "./scan.ts";

export interface AuthHeader {
  /** As received; compare case-insensitively. */
  readonly scheme: string;
  readonly params: AuthParams;
}

/** Lower-case names, values without quotes; in the order in which they came. */
export interface AuthParams extends Iterable<readonly [name: string, value: string]> {
  readonly size: number;
  get(name: string): string | undefined;
  has(name: string): boolean;
}

const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;

/** `text[from, to)`; undefined when malformed or when a parameter stands twice. */
export function parseAuthHeader(
  text: string,
  from = 0,
  to: number = text.length,
): AuthHeader | undefined {
  const schemeEnd = runEnd(text, from, to, TOKEN);
  const isScheme = schemeEnd > from && (schemeEnd === to || isBlank(text.charCodeAt(schemeEnd)));
  if (!isScheme) return undefined;
  const params = ReceivedParams.parse(text, skipBlanks(text, schemeEnd, to), to);
  return params && { scheme: text.slice(from, schemeEnd), params };
}

/** The parameters of RFC 7616 and 3310, by their number. */
const USUAL: readonly string[] = [
  "username",
  "realm",
  "nonce",
  "uri",
  "response",
  "algorithm",
  "qop",
  "nc",
  "cnonce",
  "opaque",
  "stale",
  "auts",
  "ik",
  "ck",
  "integrity-protected",
];
const NUMBERS: ReadonlyMap<string, number> = new Map(USUAL.map((name, number) => [name, number]));
/** Name and equals sign as nearly every peer spells them. */
const SPELLED: readonly (readonly number[])[] = USUAL.map((name) => codesOf(`${name}=`));

/** By first and third character of their spelling, which no two of them share. */
const BY_KEY = new Int8Array(32 * 32).fill(-1);
for (const [number, [first = 0, , third = 0]] of SPELLED.entries())
  BY_KEY[keyOf(first, third)] = number;

function keyOf(first: number, third: number): number {
  return (first & 31) * 32 + (third & 31);
}

/** The number of the parameter whose name and equals sign stand at `at`; -1 for any other, or one spelled otherwise. */
function usualAt(text: string, at: number, to: number): number {
  if (at + 2 >= to) return -1;
  const number = BY_KEY[keyOf(text.charCodeAt(at), text.charCodeAt(at + 2))] ?? -1;
  const spelled = number < 0 ? undefined : SPELLED[number];
  if (spelled === undefined || at + spelled.length > to) return -1;
  return hasCodesAt(text, at, spelled) ? number : -1;
}

const NOWHERE: readonly number[] = USUAL.flatMap(() => [0, 0]);

/** Where the parts lie of the parameter that was looked at last. */
const place = {
  /** Its number; negative for one that is looked up by its name. */
  usual: -1,
  nameEnd: 0,
  /** Without its quotes. */
  valueAt: 0,
  valueEnd: 0,
};

/**
 * One `name=value` and the comma behind it; returns what comes next, -1 when it is malformed.
 * @param hasPairs a quote may stand behind a backslash
 */
function locate(text: string, at: number, to: number, hasPairs: boolean): number {
  const usual = usualAt(text, at, to);
  const spelled = usual < 0 ? undefined : SPELLED[usual];
  const nameEnd = spelled === undefined ? runEnd(text, at, to, TOKEN) : at + spelled.length - 1;
  const equals = spelled === undefined ? skipBlanks(text, nameEnd, to) : nameEnd;
  if (nameEnd === at || equals === to || text.charCodeAt(equals) !== EQUALS) return -1;
  const valueAt = skipBlanks(text, equals + 1, to);
  const quotes = valueAt < to && text.charCodeAt(valueAt) === QUOTE ? 1 : 0;
  const end =
    quotes === 1 ? quotesEnd(text, valueAt, to, hasPairs) : runEnd(text, valueAt, to, AUTH_VALUE);
  if (end <= valueAt) return -1;
  place.usual = usual;
  place.nameEnd = nameEnd;
  place.valueAt = valueAt + quotes;
  place.valueEnd = end - quotes;
  const comma = skipBlanks(text, end, to);
  if (comma === to) return to;
  const next = skipBlanks(text, comma + 1, to);
  // A comma that nothing follows is malformed (RFC 3261 §25.1, digest-cln).
  return text.charCodeAt(comma) === COMMA && next < to ? next : -1;
}

/** Values are cut out when asked for. */
class ReceivedParams implements AuthParams {
  readonly #text: string;
  readonly #from: number;
  readonly #to: number;
  /** Of each usual one where its value begins and ends, its quotes left out; 0 when it is not there. */
  readonly #places: number[] = NOWHERE.slice();
  #others: Map<string, string> | undefined;
  size = 0;

  private constructor(text: string, from: number, to: number) {
    this.#text = text;
    this.#from = from;
    this.#to = to;
  }

  static parse(text: string, from: number, to: number): ReceivedParams | undefined {
    const params = new ReceivedParams(text, from, to);
    const hasPairs = text.slice(from, to).includes("\\");
    for (let at = from; at < to; ) {
      const next = locate(text, at, to, hasPairs);
      if (next < 0 || !params.#add(at)) return undefined;
      at = next;
    }
    return params;
  }

  get(name: string): string | undefined {
    const number = NUMBERS.get(name);
    if (number === undefined) return this.#others?.get(name);
    const valueAt = this.#places[2 * number] ?? 0;
    const valueEnd = this.#places[2 * number + 1] ?? 0;
    return valueAt === 0 ? undefined : valueText(this.#text, valueAt, valueEnd);
  }

  has(name: string): boolean {
    const number = NUMBERS.get(name);
    if (number === undefined) return this.#others?.has(name) === true;
    return this.#places[2 * number] !== 0;
  }

  *[Symbol.iterator](): Generator<readonly [string, string]> {
    for (let at = this.#from; at < this.#to; ) {
      const next = locate(this.#text, at, this.#to, true);
      const name = this.#text.slice(at, place.nameEnd).toLowerCase();
      at = next;
      yield [name, this.get(name) ?? ""];
    }
  }

  /** What was located, its name at `at`; false when it stands twice. */
  #add(at: number): boolean {
    this.size++;
    if (place.usual >= 0) return this.#addUsual(place.usual);
    const name = this.#text.slice(at, place.nameEnd).toLowerCase();
    const number = NUMBERS.get(name);
    if (number !== undefined) return this.#addUsual(number);
    this.#others ??= new Map();
    if (this.#others.has(name)) return false;
    this.#others.set(name, valueText(this.#text, place.valueAt, place.valueEnd));
    return true;
  }

  #addUsual(number: number): boolean {
    if (this.#places[2 * number] !== 0) return false;
    this.#places[2 * number] = place.valueAt;
    this.#places[2 * number + 1] = place.valueEnd;
    return true;
  }
}

/** Behind the quoted string; -1 when it does not end. */
function quotesEnd(text: string, from: number, to: number, hasPairs: boolean): number {
  if (hasPairs) return quotedEnd(text, from, to);
  const close = text.indexOf('"', from + 1);
  return close < to ? close + 1 : -1;
}

/** The value at `text[from, to)`; quotes, where there are any, stand around it. */
function valueText(text: string, from: number, to: number): string {
  const value = text.slice(from, to);
  const isQuoted = text.charCodeAt(from - 1) === QUOTE;
  return isQuoted && value.includes("\\") ? unquote(`"${value}"`) : value;
}

/** Parameters whose values stand without quotes. RFC 3261 §25.1, RFC 7616 §3.4. */
const BARE = new Set(["algorithm", "nc", "qop", "stale"]);

/**
 * `Digest a="b", nc=00000001`. In a challenge `qop` is quoted, in an answer it is not
 * (RFC 7616 §3.3, §3.4), so the caller says which this is.
 */
export function formatAuthHeader(
  scheme: string,
  params: Iterable<readonly [string, string]>,
  kind: "challenge" | "answer",
): string {
  let text = scheme;
  let comma = " ";
  for (const [name, value] of params) {
    const isBare = BARE.has(name) && !(name === "qop" && kind === "challenge");
    text += comma + (isBare ? `${name}=${value}` : `${name}=${quote(value)}`);
    comma = ",";
  }
  return text;
}
