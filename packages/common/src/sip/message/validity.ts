// What every message must have right before anybody handles it. RFC 3261 §8.1.1, §16.3 item 1, RFC 4475.
import { Contact, CSeqField, From, MaxForwards, RecordRoute, Route, To, Via } from "./fields.ts";
import type { Field } from "./header-lines.ts";
import type { SipMessage, SipRequest, SipResponse } from "./message.ts";
import { isSip, parseUri } from "./uri.ts";
import { BRANCH_COOKIE } from "./via.ts";

const MANDATORY: readonly Field<unknown>[] = [Via, From, To, CSeqField];
const IF_PRESENT: readonly Field<unknown>[] = [Contact, Route, RecordRoute, MaxForwards];

/** Undefined when well formed, else the reason for a 400. */
export function problemOfRequest(request: SipRequest): string | undefined {
  return (
    problemOfMessage(request) ??
    problemOfRequestUri(request) ??
    (request.cseq.method === request.method ? undefined : "a CSeq of another method") ??
    (request.get(Via)?.branch === BRANCH_COOKIE ? "an empty branch" : undefined)
  );
}

/** Undefined when well formed, else the reason to drop it. */
export function problemOfResponse(response: SipResponse): string | undefined {
  return problemOfMessage(response);
}

function problemOfMessage(message: SipMessage): string | undefined {
  for (const field of MANDATORY) {
    if (!message.has(field.name)) return `no ${field.name}`;
    if (message.isMalformed(field)) return `a malformed ${field.name}`;
  }
  if (message.callId === "") return "no Call-ID";
  for (const field of IF_PRESENT)
    if (message.isMalformed(field)) return `a malformed ${field.name}`;
  return undefined;
}

/** RFC 3261 §19.1.1: a Request-URI carries no headers. */
function problemOfRequestUri(request: SipRequest): string | undefined {
  const uri = parseUri(request.uri);
  if (uri === undefined) return "a malformed Request-URI";
  return isSip(uri) && uri.headers !== undefined ? "headers in the Request-URI" : undefined;
}
