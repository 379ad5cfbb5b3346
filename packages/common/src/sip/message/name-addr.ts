// name-addr and addr-spec with header parameters: From, To, Contact, Route … RFC 3261 §20.10, §25.1.
import { areParams, Params, PLAIN_PARAMS } from "./params.ts";
import { quotedEnd, runEnd, skipSpace, trimmedEnd, unquote, WORDS } from "./scan.ts";
import { isUri, PLAIN_SIP_URI, parseUri, type Uri } from "./uri.ts";

export interface NameAddr {
  /** Without quotes, octets read as UTF-8. */
  readonly displayName?: string | undefined;
  readonly uri: Uri;
  /** The URI as received, without angle brackets. */
  readonly uriText: string;
  /** False for an addr-spec. */
  readonly isBracketed: boolean;
  /** The header's parameters (tag, expires, q …), not the URI's. */
  readonly params: Params;
}

const QUOTE = 34;
const COMMA = 44;
const SEMICOLON = 59;
const ANGLE = 60;

/**
 * What nearly every peer sends, `<sip:user@host:port;params>;params` without a blank: an expression that captures nothing
 * sees it in half the time.
 */
const PLAIN = new RegExp(`<${PLAIN_SIP_URI}>${PLAIN_PARAMS}`, "y");

/** `text[from, to)`, which must be one value; undefined when malformed. */
export function parseNameAddr(
  text: string,
  from = 0,
  to: number = text.length,
): NameAddr | undefined {
  PLAIN.lastIndex = from;
  if (!PLAIN.test(text) || PLAIN.lastIndex !== to) return parseAnyNameAddr(text, from, to);
  const uriEnd = text.indexOf(">", from);
  return new CheckedNameAddr(text, from + 1, uriEnd, uriEnd + 1, to, undefined, true);
}

function parseAnyNameAddr(text: string, from: number, to: number): NameAddr | undefined {
  const start = skipSpace(text, from, to);
  if (start === to) return undefined;
  const first = text.charCodeAt(start);
  if (first === ANGLE) return parseAngle(text, start, to, undefined);
  if (first === QUOTE) return parseQuotedName(text, start, to);
  // A display name without quotes holds neither: what they come before is an addr-spec, whatever its parameters hold.
  const sign = signAt(text, start, to);
  if (sign === to || text.charCodeAt(sign) !== ANGLE) return parseAddrSpec(text, start, to);
  const nameEnd = trimmedEnd(text, start, sign);
  if (runEnd(text, start, nameEnd, WORDS) < nameEnd) return undefined;
  return parseAngle(text, sign, to, text.slice(start, nameEnd));
}

/** Where the grammar knows brackets only (RFC 3261 §20.30). */
export function parseBracketed(text: string, from?: number, to?: number): NameAddr | undefined {
  const found = parseNameAddr(text, from, to);
  return found?.isBracketed === true ? found : undefined;
}

/** Of the first bracket, semicolon or quote; `to` when there is none. */
function signAt(text: string, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === ANGLE || code === SEMICOLON || code === QUOTE) break;
  }
  return at;
}

/** Checked already; taken apart only when somebody asks for its parts. */
class CheckedNameAddr implements NameAddr {
  readonly displayName: string | undefined;
  readonly isBracketed: boolean;
  readonly #text: string;
  readonly #uriAt: number;
  readonly #uriEnd: number;
  readonly #paramsAt: number;
  readonly #end: number;
  #uri: Uri | undefined;
  #params: Params | undefined;

  constructor(
    text: string,
    uriAt: number,
    uriEnd: number,
    paramsAt: number,
    end: number,
    displayName: string | undefined,
    isBracketed: boolean,
  ) {
    this.displayName = displayName;
    this.isBracketed = isBracketed;
    this.#text = text;
    this.#uriAt = uriAt;
    this.#uriEnd = uriEnd;
    this.#paramsAt = paramsAt;
    this.#end = end;
  }

  get uriText(): string {
    return this.#text.slice(this.#uriAt, this.#uriEnd);
  }

  get uri(): Uri {
    this.#uri ??= parseUri(this.#text, this.#uriAt, this.#uriEnd);
    if (this.#uri === undefined) throw new Error(`checked, but not a URI: ${this.uriText}`);
    return this.#uri;
  }

  get params(): Params {
    this.#params ??= Params.fromChecked(this.#text, this.#paramsAt, this.#end);
    return this.#params;
  }
}

function parseQuotedName(text: string, start: number, to: number): NameAddr | undefined {
  const end = quotedEnd(text, start, to);
  if (end < 0) return undefined;
  const angle = skipSpace(text, end, to);
  if (angle === to || text.charCodeAt(angle) !== ANGLE) return undefined;
  return parseAngle(text, angle, to, unquote(text.slice(start, end)));
}

function parseAngle(
  text: string,
  angle: number,
  to: number,
  name: string | undefined,
): NameAddr | undefined {
  const uriEnd = text.indexOf(">", angle);
  if (uriEnd < 0 || uriEnd >= to || !isUri(text, angle + 1, uriEnd)) return undefined;
  const params = skipSpace(text, uriEnd + 1, to);
  if (!areParams(text, params, to)) return undefined;
  const displayName = name === undefined || name === "" ? undefined : fromUtf8(name);
  return new CheckedNameAddr(text, angle + 1, uriEnd, params, to, displayName, true);
}

/** RFC 3261 §20: without brackets a semicolon starts header parameters; `?` and `,` are forbidden. */
function parseAddrSpec(text: string, start: number, to: number): NameAddr | undefined {
  let params = start;
  for (; params < to; params++) {
    const code = text.charCodeAt(params);
    if (code === SEMICOLON) break;
    if (code === COMMA) return undefined;
  }
  const uriEnd = trimmedEnd(text, start, params);
  const uri = parseUri(text, start, uriEnd);
  if (uri === undefined || ("headers" in uri && uri.headers !== undefined)) return undefined;
  if (!areParams(text, params, to)) return undefined;
  return new CheckedNameAddr(text, start, uriEnd, params, to, undefined, false);
}

function fromUtf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}
