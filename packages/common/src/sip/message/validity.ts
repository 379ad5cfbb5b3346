// What every message must have right before anybody handles it. RFC 3261 §8.1.1, §16.3 item 1, RFC 4475.
import { Contact, CSeqField, From, MaxForwards, RecordRoute, Route, To, Via } from "./fields.ts";
import type { Field } from "./header-lines.ts";
import type { SipMessage, SipRequest, SipResponse } from "./message.ts";
import { isSip } from "./uri.ts";
import { BRANCH_COOKIE } from "./via.ts";

/** Headers whose every value must be well formed in a request. */
const CHECKED: ReadonlyMap<string, Field<unknown>> = new Map(
  [Via, From, To, CSeqField, Contact, Route, RecordRoute, MaxForwards].map((f) => [f.name, f]),
);
const MANDATORY = ["Via", "From", "To", "CSeq", "Call-ID"] as const;

/** Undefined when well formed, else the reason for a 400. */
export function problemOfRequest(request: SipRequest): string | undefined {
  return (
    missingHeader(request) ??
    request.firstMalformed(CHECKED) ??
    problemOfRequestUri(request) ??
    (request.cseq.method === request.method ? undefined : "a CSeq of another method") ??
    (request.get(Via)?.branch === BRANCH_COOKIE ? "an empty branch" : undefined)
  );
}

/** Undefined when well formed, else the reason to drop it. Only what matching needs is read. */
export function problemOfResponse(response: SipResponse): string | undefined {
  const missing = missingHeader(response);
  if (missing !== undefined) return missing;
  for (const field of [Via, CSeqField, From, To]) {
    if (response.get<unknown>(field) === undefined) return `a malformed ${field.name}`;
  }
  return undefined;
}

function missingHeader(message: SipMessage): string | undefined {
  for (const name of MANDATORY) if (!message.text(name)) return `no ${name}`;
  return undefined;
}

/** RFC 3261 §19.1.1: a Request-URI carries no headers. */
function problemOfRequestUri(request: SipRequest): string | undefined {
  const uri = request.requestUriIfValid;
  if (uri === undefined) return "a malformed Request-URI";
  return isSip(uri) && uri.headers !== undefined ? "headers in the Request-URI" : undefined;
}
