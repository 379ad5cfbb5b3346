// name-addr and addr-spec with header parameters: From, To, Contact, Route … RFC 3261 §20.10, §25.1.
import { PARAMS, Params } from "./params.ts";
import { BLANK, quotedEnd, skipSpace, trimLws, unquote } from "./scan.ts";
import { COMMON_SIP_URI, parseUri, type Uri } from "./uri.ts";

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

const ANGLE = 60;

/** What nearly every peer sends, checked in one go: `<sip:…>;params`. */
const PLAIN = new RegExp(`^<${COMMON_SIP_URI}>${BLANK}*${PARAMS}$`);

/** Undefined when malformed; the whole of `text` must be one value. */
export function parseNameAddr(text: string): NameAddr | undefined {
  if (PLAIN.test(text)) return new PlainNameAddr(text);
  const start = skipSpace(text, 0);
  if (text.charCodeAt(start) === 34) return parseQuotedName(text, start);
  // A display name without quotes holds neither: what they come before is an addr-spec, whatever its parameters hold.
  const sign = text.slice(start).search(/[<;"]/);
  const angle = start + sign;
  if (sign < 0 || text.charCodeAt(angle) !== ANGLE) return parseAddrSpec(text, start);
  const name = trimLws(text.slice(start, angle));
  return isTokens(name) ? parseAngle(text, angle, name) : undefined;
}

/** Where the grammar knows brackets only (RFC 3261 §20.30). */
export function parseBracketed(text: string): NameAddr | undefined {
  const found = parseNameAddr(text);
  return found?.isBracketed === true ? found : undefined;
}

/** Checked already; taken apart only when somebody asks for its parts. */
class PlainNameAddr implements NameAddr {
  readonly displayName: undefined;
  readonly isBracketed = true;
  readonly #text: string;
  #uri: Uri | undefined;
  #params: Params | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get uriText(): string {
    return this.#text.slice(1, this.#text.indexOf(">"));
  }

  get uri(): Uri {
    this.#uri ??= parseUri(this.uriText);
    if (this.#uri === undefined) throw new Error(`checked, but not a URI: ${this.uriText}`);
    return this.#uri;
  }

  get params(): Params {
    this.#params ??= Params.fromChecked(trimLws(this.#text.slice(this.#text.indexOf(">") + 1)));
    return this.#params;
  }
}

function parseQuotedName(text: string, start: number): NameAddr | undefined {
  const end = quotedEnd(text, start);
  if (end < 0) return undefined;
  const angle = skipSpace(text, end);
  if (text.charCodeAt(angle) !== ANGLE) return undefined;
  return parseAngle(text, angle, unquote(text.slice(start, end)));
}

/** Display names that need no quotes: words of token characters and octets above 127 (UTF-8). */
function isTokens(name: string): boolean {
  return name === "" || /^[\w\-.!%*+`'~ \t\x80-\xff]+$/.test(name);
}

function parseAngle(text: string, angle: number, name: string): NameAddr | undefined {
  const close = text.indexOf(">", angle);
  if (close < 0) return undefined;
  const uriText = text.slice(angle + 1, close);
  const uri = parseUri(uriText);
  const params = Params.parse(text, close + 1);
  if (uri === undefined || params === undefined) return undefined;
  const displayName = name === "" ? undefined : fromUtf8(name);
  return { displayName, uri, uriText, isBracketed: true, params };
}

/** RFC 3261 §20: without brackets a semicolon starts header parameters; `?` and `,` are forbidden. */
function parseAddrSpec(text: string, start: number): NameAddr | undefined {
  const semicolon = bareUriEnd(text, start);
  const uriText = trimLws(text.slice(start, semicolon));
  if (uriText.includes(",")) return undefined;
  const uri = parseUri(uriText);
  if (uri === undefined || ("headers" in uri && uri.headers !== undefined)) return undefined;
  const params = Params.parse(text, semicolon);
  return params && { displayName: undefined, uri, uriText, isBracketed: false, params };
}

function bareUriEnd(text: string, start: number): number {
  const semicolon = text.indexOf(";", start);
  return semicolon < 0 ? text.length : semicolon;
}

function fromUtf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}
