// Header fields and the parser of their values, one constant per header. RFC 3261 §20 and extensions.
import { type AuthHeader, parseAuthHeader } from "./auth-header.ts";
import type { Field } from "./header-line.ts";
import { headerName } from "./header-names.ts";
import { methodAt } from "./method-names.ts";
import { type NameAddr, parseBracketed, parseNameAddr } from "./name-addr.ts";
import { Params } from "./params.ts";
import {
  DIGIT,
  isBlank,
  isToken,
  parseNumber,
  parseQvalue,
  runEnd,
  skipSpace,
  TOKEN,
  trimLws,
} from "./scan.ts";
import { parseVia, type ViaValue } from "./via.ts";

const STAR = 42;

/** A value with parameters: `reg;id=7`, `active;expires=60`, `application/sdp;charset=utf-8`. */
export interface ParamValue {
  readonly value: string;
  readonly params: Params;
}

/** RFC 3261 §20.19: delta-seconds up to 2^32-1. */
const MAX_DELTA_SECONDS = 2 ** 32 - 1;

function parseParamValue(whole: string, from?: number, to?: number): ParamValue | undefined {
  const text = whole.slice(from, to);
  const semicolon = text.indexOf(";");
  const value = trimLws(semicolon < 0 ? text : text.slice(0, semicolon));
  const params = semicolon < 0 ? Params.none : Params.parse(text, semicolon);
  const wellFormed = isToken(value) || value.split("/").every((part) => isToken(trimLws(part)));
  return wellFormed && params !== undefined ? { value, params } : undefined;
}

function field<T>(name: string, parse: Field<T>["parse"]): Field<T> {
  return { name, header: headerName(name), parse };
}

function nameAddr(name: string): Field<NameAddr> {
  return field(name, parseNameAddr);
}

function number(name: string, max: number): Field<number> {
  return field(name, (text, from, to) => parseNumber(text, max, from, to));
}

function paramValue(name: string): Field<ParamValue> {
  return field(name, parseParamValue);
}

/** CSeq: orders the requests of one dialog. RFC 3261 §8.1.1.5, §20.16. */
export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** RFC 3261 §8.1.1.5: the number is below 2^31. */
const LARGEST_CSEQ = 2 ** 31 - 1;

function parseCseq(text: string, from = 0, to: number = text.length): CSeq | undefined {
  const blank = runEnd(text, from, to, DIGIT);
  if (blank < to && !isBlank(text.charCodeAt(blank))) return undefined;
  const number = parseNumber(text, LARGEST_CSEQ, from, blank);
  const at = skipSpace(text, blank, to);
  if (number === undefined || blank === to || at === to) return undefined;
  const known = methodAt(text, at);
  if (at + known.length === to) return { number, method: known };
  return runEnd(text, at, to, TOKEN) === to ? { number, method: text.slice(at, to) } : undefined;
}

/** RFC 3261 §20.10: a `q` that is no qvalue says nothing, and is not said again. */
function withoutBadQ(text: string, contact: NameAddr | undefined): NameAddr | undefined {
  if (!text.includes("q") && !text.includes("Q")) return contact; // mostly nobody has to look into it
  const q = contact?.params.get("q");
  if (contact === undefined || q === undefined || parseQvalue(q) !== undefined) return contact;
  const { displayName, uri, uriText, isBracketed, params } = contact;
  return { displayName, uri, uriText, isBracketed, params: params.without("q") };
}

function auth(name: string): Field<AuthHeader> {
  return field(name, parseAuthHeader);
}

export const Via: Field<ViaValue> = field("Via", parseVia);
export const From: Field<NameAddr> = nameAddr("From");
export const To: Field<NameAddr> = nameAddr("To");
/** Printable ASCII: a little more than `word ["@" word]`, and no octet that another reader might trim away. */
export const CallId: Field<string> = field("Call-ID", (text, from = 0, to = text.length) => {
  CALL_ID.lastIndex = from;
  return from < to && CALL_ID.test(text) && CALL_ID.lastIndex >= to
    ? text.slice(from, to)
    : undefined;
});
const CALL_ID = /[!-~]+/y;
export const CSeqField: Field<CSeq> = field("CSeq", parseCseq);
/** `"*"` stands for every binding of the address of record (RFC 3261 §10.2.2). */
export const Contact: Field<NameAddr | "*"> = field(
  "Contact",
  (text, from = 0, to = text.length) =>
    to === from + 1 && text.charCodeAt(from) === STAR
      ? "*"
      : withoutBadQ(text.slice(from, to), parseNameAddr(text, from, to)),
);
/** Without its brackets, too: who loses them is sent the right way by the P-CSCF (TS 24.229 §5.2.6.3.2). */
export const Route: Field<NameAddr> = nameAddr("Route");
export const RecordRoute: Field<NameAddr> = field("Record-Route", parseBracketed);
export const MaxForwards: Field<number> = number("Max-Forwards", 255);
export const Expires: Field<number> = number("Expires", MAX_DELTA_SECONDS);
export const MinExpires: Field<number> = number("Min-Expires", MAX_DELTA_SECONDS);
/** RFC 3261 §20.33: delta-seconds, a comment may follow. */
export const RetryAfter: Field<number> = field("Retry-After", (text, from, to) =>
  parseNumber(/^(\d+)[ \t]*(?:[(;]|$)/.exec(text.slice(from, to))?.[1] ?? "", MAX_DELTA_SECONDS),
);
/** RFC 6665 §8.2.1. */
export const EventHeader: Field<ParamValue> = paramValue("Event");
/** RFC 6665 §8.2.3. */
export const SubscriptionState: Field<ParamValue> = paramValue("Subscription-State");
export const ContentType: Field<ParamValue> = paramValue("Content-Type");
/** RFC 3261 §20.11. */
export const ContentDisposition: Field<ParamValue> = paramValue("Content-Disposition");
export const Accept: Field<ParamValue> = paramValue("Accept");
export const Authorization: Field<AuthHeader> = auth("Authorization");
export const WwwAuthenticate: Field<AuthHeader> = auth("WWW-Authenticate");
/** RFC 3325. */
export const PAssertedIdentity: Field<NameAddr> = nameAddr("P-Asserted-Identity");
export const PPreferredIdentity: Field<NameAddr> = nameAddr("P-Preferred-Identity");
/** RFC 7315 §4.1. */
export const PAssociatedUri: Field<NameAddr> = nameAddr("P-Associated-URI");
