// Checks of an INVITE or UPDATE before it is served. RFC 3261 §8.2, §12.1.1, §14.2; RFC 3264 §6; RFC 3311 §5.2; RFC 4028 §9.
import type { Random } from "@ims-lab/common/platform/random";
import { contactOf, tagOf } from "@ims-lab/common/sip/dialog/dialog";
import { readBody } from "@ims-lab/common/sip/message/bodies";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Refusal } from "@ims-lab/common/sip/transaction/user";
import { SDP_TYPE } from "../user-agent/capabilities.ts";
import { type UserAgent, warnAgentOf } from "../user-agent/user-agent.ts";
import type { CallState } from "./call-state.ts";
import { rejectionWarning } from "./sdp.ts";
import { checkSession } from "./session-timer.ts";

const SESSION = { types: [SDP_TYPE], dispositions: ["session"] } as const;

/** The session description of a request; undefined: it has none, or one to be ignored. */
export function descriptionIn(request: SipRequest): Buffer | undefined {
  const reading = readBody(request, SESSION);
  return reading.kind === "body" ? reading.octets : undefined;
}

/** @param agent of this UE, in a Warning: `host:port` or a name */
export function checkInvite(request: SipRequest, agent: string): Refusal | undefined {
  return checkTarget(request) ?? checkOffer(request, agent) ?? checkSession(request);
}

/** §8.1.1.8: the target of every later request in this dialog. */
function checkTarget(request: SipRequest): Refusal | undefined {
  return contactOf(request) === undefined
    ? { status: 400, reason: "Contact Must Be One SIP URI" }
    : undefined;
}

function checkOffer(request: SipRequest, agent: string): Refusal | undefined {
  const reading = readBody(request, SESSION);
  if (reading.kind === "refused") return reading.refusal;
  const warning = reading.kind === "body" ? rejectionWarning(reading.octets) : undefined;
  if (warning === undefined) return undefined;
  return { status: 488, headers: [["Warning", `${warning.code} ${agent} "${warning.text}"`]] };
}

/** §14.2: a later INVITE or an UPDATE that is refused leaves everything as it was. */
export function checkWithinCall(
  request: SipRequest,
  state: CallState,
  userAgent: UserAgent,
): Refusal | undefined {
  const lacking = checkInvite(request, warnAgentOf(userAgent));
  if (lacking !== undefined) return lacking;
  if (request.method === "INVITE") return checkReInviteState(state, userAgent.random);
  return checkUpdateState(state, descriptionIn(request) !== undefined, userAgent.random);
}

/** Whether the state of the call lets a later INVITE be answered. */
function checkReInviteState({ name }: CallState, random: Random): Refusal | undefined {
  switch (name) {
    case "up":
      return undefined;
    case "answered":
      return { status: 491 }; // RFC 5407 §3.1.5: the ACK is still on its way
    case "inviting":
    case "ringing":
      return retryLater(random); // §14.2
    case "ending":
    case "over":
      return { status: 481 };
  }
}

/** RFC 3311 §5.2: an UPDATE without an offer disturbs nothing. */
function checkUpdateState(
  state: CallState,
  hasOffer: boolean,
  random: Random,
): Refusal | undefined {
  switch (state.name) {
    case "up":
      return hasOffer && state.offer.name !== "none" ? { status: 491 } : undefined;
    case "answered":
      return hasOffer ? { status: 491 } : undefined;
    case "inviting":
    case "ringing":
      return hasOffer ? retryLater(random) : undefined;
    case "ending":
    case "over":
      return { status: 481 };
  }
}

function retryLater(random: Random): Refusal {
  const seconds = Math.floor(random.fraction() * 11);
  return { status: 500, headers: [["Retry-After", String(seconds)]] };
}

/** §9.1: a CANCEL has the Call-ID, From and CSeq number of its INVITE. */
export function cancels(cancel: SipRequest, invite: SipRequest): boolean {
  return (
    invite.callId === cancel.callId &&
    invite.cseq.number === cancel.cseq.number &&
    tagOf(invite.from) === tagOf(cancel.from)
  );
}
