// Requests that follow an INVITE on its own hop: the ACK of a failure (RFC 3261 §17.1.1.3), the CANCEL (§9.1).
import { newRequest, type SipRequest, type SipResponse } from "../message/message.ts";

/** @param invite as it was sent, our Via on top. */
export function ackOfFailure(invite: SipRequest, response: SipResponse): SipRequest {
  const via = invite.texts("Via")[0] ?? "";
  const routes = invite.texts("Route").map((route) => ["Route", route] as const);
  return newRequest("ACK", invite.uri, [
    ["Via", via],
    ...routes,
    ["Max-Forwards", "70"],
    ["From", invite.text("From") ?? ""],
    ["To", response.text("To") ?? ""],
    ["Call-ID", invite.callId],
    ["CSeq", `${invite.cseq.number} ACK`],
  ]);
}

/** @param invite as it was sent, our Via on top. @param reasons RFC 3326, values of Reason */
export function cancelOf(invite: SipRequest, reasons: readonly string[]): SipRequest {
  const via = invite.texts("Via")[0] ?? "";
  const routes = invite.texts("Route").map((route) => ["Route", route] as const);
  return newRequest("CANCEL", invite.uri, [
    ["Via", via],
    ...routes,
    ["Max-Forwards", "70"],
    ["From", invite.text("From") ?? ""],
    ["To", invite.text("To") ?? ""],
    ["Call-ID", invite.callId],
    ["CSeq", `${invite.cseq.number} CANCEL`],
    ...reasons.map((reason) => ["Reason", reason] as const),
  ]);
}
