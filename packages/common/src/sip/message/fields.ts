// How the values of each header are read, one constant per header. RFC 3261 §20 and extensions.
import { type AuthHeader, parseAuthHeader } from "./auth-header.ts";
import { type CSeq, parseCseq } from "./cseq.ts";
import type { Field } from "./header-line.ts";
import { type NameAddr, parseBracketed, parseNameAddr } from "./name-addr.ts";
import { Params } from "./params.ts";
import { isToken, parseNumber, parseQvalue, trimLws } from "./scan.ts";
import { parseVia, type Via as ViaValue } from "./via.ts";

/** A value with parameters: `reg;id=7`, `active;expires=60`, `application/sdp;charset=utf-8`. */
export interface ParamValue {
  readonly value: string;
  readonly params: Params;
}

/** RFC 3261 §20.19: delta-seconds up to 2^32-1. */
const MAX_DELTA_SECONDS = 2 ** 32 - 1;

function parseParamValue(text: string): ParamValue | undefined {
  const semicolon = text.indexOf(";");
  const value = trimLws(semicolon < 0 ? text : text.slice(0, semicolon));
  const params = semicolon < 0 ? Params.none : Params.parse(text, semicolon);
  const wellFormed = isToken(value) || value.split("/").every((part) => isToken(trimLws(part)));
  return wellFormed && params !== undefined ? { value, params } : undefined;
}

function nameAddr(name: string): Field<NameAddr> {
  return { name, parse: parseNameAddr };
}

function bracketed(name: string): Field<NameAddr> {
  return { name, parse: parseBracketed };
}

function number(name: string, max: number): Field<number> {
  return { name, parse: (text) => parseNumber(text, max) };
}

function paramValue(name: string): Field<ParamValue> {
  return { name, parse: parseParamValue };
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
  return { name, parse: parseAuthHeader };
}

export const Via: Field<ViaValue> = { name: "Via", parse: parseVia };
export const From: Field<NameAddr> = nameAddr("From");
export const To: Field<NameAddr> = nameAddr("To");
/** Printable ASCII: a little more than `word ["@" word]`, and no octet that another reader might trim away. */
export const CallId: Field<string> = {
  name: "Call-ID",
  parse: (text) => (/^[!-~]+$/.test(text) ? text : undefined),
};
export const CSeqField: Field<CSeq> = { name: "CSeq", parse: parseCseq };
/** `"*"` stands for every binding of the address of record (RFC 3261 §10.2.2). */
export const Contact: Field<NameAddr | "*"> = {
  name: "Contact",
  parse: (text) => (text === "*" ? "*" : withoutBadQ(text, parseNameAddr(text))),
};
/** Without its brackets, too: who loses them is sent the right way by the P-CSCF (TS 24.229 §5.2.6.3.2). */
export const Route: Field<NameAddr> = nameAddr("Route");
export const RecordRoute: Field<NameAddr> = bracketed("Record-Route");
export const MaxForwards: Field<number> = number("Max-Forwards", 255);
export const Expires: Field<number> = number("Expires", MAX_DELTA_SECONDS);
export const MinExpires: Field<number> = number("Min-Expires", MAX_DELTA_SECONDS);
/** RFC 3261 §20.33: delta-seconds, a comment may follow. */
export const RetryAfter: Field<number> = {
  name: "Retry-After",
  parse: (text) => parseNumber(/^(\d+)[ \t]*(?:[(;]|$)/.exec(text)?.[1] ?? "", MAX_DELTA_SECONDS),
};
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
