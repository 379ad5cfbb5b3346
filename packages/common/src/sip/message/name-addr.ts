// name-addr and addr-spec with header parameters: From, To, Contact, Route … RFC 3261 §20.10, §25.1.
import { PARAMS, Params } from "./params.ts";
import { hasSpace, quotedEnd, skipSpace, unquote } from "./scan.ts";
import { COMMON_SIP_URI, parseUri, type Uri } from "./uri.ts";

export interface NameAddr {
  /** Without quotes, octets read as UTF-8. */
  readonly displayName?: string | undefined;
  readonly uri: Uri;
  /** The URI as received, without angle brackets. */
  readonly uriText: string;
  /** The header's parameters (tag, expires, q …), not the URI's. */
  readonly params: Params;
}

/** What nearly every peer sends, checked in one go: `<sip:…>;params`. */
const PLAIN = new RegExp(`^<${COMMON_SIP_URI}>\\s*${PARAMS}$`);

/** Undefined when malformed; the whole of `text` must be one value. */
export function parseNameAddr(text: string): NameAddr | undefined {
  if (PLAIN.test(text)) return new PlainNameAddr(text);
  const start = skipSpace(text, 0);
  if (text.charCodeAt(start) === 34) return parseQuotedName(text, start);
  const angle = text.indexOf("<", start);
  if (angle < 0) return parseAddrSpec(text, start);
  const name = text.slice(start, angle).trimEnd();
  return isTokens(name) ? parseAngle(text, angle, name) : undefined;
}

/** Checked already; taken apart only when somebody asks for its parts. */
class PlainNameAddr implements NameAddr {
  readonly displayName: undefined;
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
    this.#params ??= Params.fromChecked(this.#text.slice(this.#text.indexOf(">") + 1).trimStart());
    return this.#params;
  }
}

function parseQuotedName(text: string, start: number): NameAddr | undefined {
  const end = quotedEnd(text, start);
  if (end < 0) return undefined;
  const angle = skipSpace(text, end);
  if (text.charCodeAt(angle) !== 60) return undefined;
  return parseAngle(text, angle, unquote(text.slice(start, end)));
}

/** Display names that need no quotes: words of token characters and octets above 127 (UTF-8). */
function isTokens(name: string): boolean {
  return name === "" || /^[\w\-.!%*+`'~\s\x80-\xff]+$/.test(name);
}

function parseAngle(text: string, angle: number, name: string): NameAddr | undefined {
  const close = text.indexOf(">", angle);
  if (close < 0) return undefined;
  const uriText = text.slice(angle + 1, close);
  const uri = hasSpace(uriText) ? undefined : parseUri(uriText);
  const params = Params.parse(text, close + 1);
  if (uri === undefined || params === undefined) return undefined;
  return { displayName: name === "" ? undefined : fromUtf8(name), uri, uriText, params };
}

/** RFC 3261 §20: without brackets a semicolon starts header parameters; `?` and `,` are forbidden. */
function parseAddrSpec(text: string, start: number): NameAddr | undefined {
  const semicolon = bareUriEnd(text, start);
  const uriText = text.slice(start, semicolon).trimEnd();
  if (uriText.includes(",") || hasSpace(uriText)) return undefined;
  const uri = parseUri(uriText);
  if (uri === undefined || ("headers" in uri && uri.headers !== undefined)) return undefined;
  const params = Params.parse(text, semicolon);
  return params && { displayName: undefined, uri, uriText, params };
}

function bareUriEnd(text: string, start: number): number {
  const semicolon = text.indexOf(";", start);
  return semicolon < 0 ? text.length : semicolon;
}

function fromUtf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}
