// Checks of every message before anybody handles it. RFC 3261 §8.1.1, §16.3 item 1, RFC 4475.
import {
  CallId,
  Contact,
  CSeqField,
  From,
  MaxForwards,
  RecordRoute,
  Route,
  To,
  Via,
} from "./fields.ts";
import { headerRules } from "./header-lines.ts";
import type { SipRequest, SipResponse } from "./message.ts";
import { isPlainSipUri, isSip } from "./uri.ts";
import { BRANCH_COOKIE } from "./via.ts";

/** RFC 3261 §8.1.1. Max-Forwards may be missing: RFC 3261 §16.3 item 3. */
const MANDATORY = ["Via", "From", "To", "CSeq", "Call-ID"] as const;
const REQUEST_RULES = headerRules(
  [Via, From, To, CSeqField, CallId, Contact, Route, RecordRoute, MaxForwards],
  MANDATORY,
);
/** Only what matching needs. */
const RESPONSE_RULES = headerRules([From, To, CSeqField, CallId], MANDATORY);

/** Undefined when well formed, else the reason for a 400. */
export function problemOfRequest(request: SipRequest): string | undefined {
  const problem = request.firstProblem(REQUEST_RULES) ?? problemOfRequestUri(request);
  if (problem !== undefined) return problem;
  if (request.cseq.method !== request.method) return "a CSeq of another method";
  const via = request.get(Via);
  if (via?.branch === BRANCH_COOKIE) return "an empty branch";
  // Two readers of parameters that name dialogs and transactions must not name two.
  if (request.from.params.isDouble("tag") || request.to.params.isDouble("tag")) return "two tags";
  return via?.hasTwoBranches === true ? "two branches" : undefined;
}

/** Undefined when well formed, else the reason to drop it. */
export function problemOfResponse(response: SipResponse): string | undefined {
  const problem = response.firstProblem(RESPONSE_RULES);
  if (problem !== undefined) return problem;
  // The Vias below are their owners' business.
  return response.get(Via) === undefined ? "a malformed Via" : undefined;
}

/** RFC 3261 §19.1.1: a Request-URI carries no headers. */
function problemOfRequestUri(request: SipRequest): string | undefined {
  if (isPlainSipUri(request.uri)) return undefined;
  const uri = request.requestUriIfValid;
  if (uri === undefined) return "a malformed Request-URI";
  return isSip(uri) && uri.headers !== undefined ? "headers in the Request-URI" : undefined;
}
