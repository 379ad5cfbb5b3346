// Authorization, WWW-Authenticate and their like: a scheme and its parameters. RFC 3261 §25.1, RFC 7616.
import {
  AUTH_VALUE,
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

/** Found by first letter and length, without making a string. */
const BY_KEY = new Int8Array(32 * 32).fill(-1);
for (const [number, name] of USUAL.entries())
  BY_KEY[keyOf(name.charCodeAt(0), name.length)] = number;

function keyOf(letter: number, length: number): number {
  return (letter & 31) * 32 + (length & 31);
}

/** -1 for a name that is none of them, or spelled otherwise. */
function usualAt(text: string, at: number, end: number): number {
  const number = BY_KEY[keyOf(text.charCodeAt(at), end - at)] ?? -1;
  const name = number < 0 ? undefined : USUAL[number];
  return name?.length === end - at && text.startsWith(name, at) ? number : -1;
}

const NOWHERE: readonly number[] = USUAL.flatMap(() => [0, 0]);

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
      at = params.#take(text, at, to, hasPairs);
      if (at < 0) return undefined;
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
    const again = new ReceivedParams(this.#text, this.#from, this.#to);
    for (let at = this.#from; at < this.#to; ) {
      const nameEnd = runEnd(this.#text, at, this.#to, TOKEN);
      const name = this.#text.slice(at, nameEnd).toLowerCase();
      at = again.#take(this.#text, at, this.#to, true);
      yield [name, this.get(name) ?? ""];
    }
  }

  /**
   * One `name=value` and the comma behind it; returns what comes next, -1 when it is malformed or stands twice.
   * @param hasPairs a quote may stand behind a backslash
   */
  #take(text: string, at: number, to: number, hasPairs: boolean): number {
    const nameEnd = runEnd(text, at, to, TOKEN);
    const isPlain = text.charCodeAt(nameEnd) === EQUALS && nameEnd < to;
    const equals = isPlain ? nameEnd : skipBlanks(text, nameEnd, to);
    if (nameEnd === at || equals === to || text.charCodeAt(equals) !== EQUALS) return -1;
    const valueAt = skipBlanks(text, equals + 1, to);
    const isQuoted = valueAt < to && text.charCodeAt(valueAt) === QUOTE;
    const end = isQuoted
      ? quotesEnd(text, valueAt, to, hasPairs)
      : runEnd(text, valueAt, to, AUTH_VALUE);
    if (end <= valueAt) return -1;
    const isNew = isQuoted
      ? this.#add(text, at, nameEnd, valueAt + 1, end - 1)
      : this.#add(text, at, nameEnd, valueAt, end);
    if (!isNew) return -1;
    if (end === to) return to;
    const comma = skipBlanks(text, end, to);
    if (comma === to) return to;
    const next = skipBlanks(text, comma + 1, to);
    // A comma that nothing follows is malformed (RFC 3261 §25.1, digest-cln).
    return text.charCodeAt(comma) === COMMA && next < to ? next : -1;
  }

  /** False when it stands twice. */
  #add(text: string, at: number, nameEnd: number, valueAt: number, valueEnd: number): boolean {
    const usual = usualAt(text, at, nameEnd);
    const name = usual < 0 ? text.slice(at, nameEnd).toLowerCase() : "";
    const number = usual < 0 ? NUMBERS.get(name) : usual;
    this.size++;
    if (number !== undefined) {
      if (this.#places[2 * number] !== 0) return false;
      this.#places[2 * number] = valueAt;
      this.#places[2 * number + 1] = valueEnd;
      return true;
    }
    this.#others ??= new Map();
    if (this.#others.has(name)) return false;
    this.#others.set(name, valueText(text, valueAt, valueEnd));
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
