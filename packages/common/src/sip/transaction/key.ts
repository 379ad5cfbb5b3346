// Keys of transactions: RFC 3261 §17.1.3 (responses) and §17.2.3 (requests).
import type { SipRequest } from "../message/message.ts";
import { BRANCH_COOKIE, type ViaValue } from "../message/via.ts";

/** Key of a client transaction; the branch is ours, only a CANCEL shares it with its INVITE. */
export function clientKey(branch: string, method: string): string {
  return method === "CANCEL" ? `${branch} CANCEL` : branch;
}

/** Key of the server transaction a request belongs to; an ACK has the key of its INVITE. */
export function serverKey(request: SipRequest, via: ViaValue): string {
  return keyFor(request, via, request.method === "ACK" ? "INVITE" : request.method);
}

/** Key of the INVITE that a CANCEL is for (RFC 3261 §9.2). */
export function cancelledKey(cancel: SipRequest, via: ViaValue): string {
  return keyFor(cancel, via, "INVITE");
}

function keyFor(request: SipRequest, via: ViaValue, method: string): string {
  const { branch } = via;
  const sentBy = `${via.host}:${via.port ?? ""}`;
  if (branch?.startsWith(BRANCH_COOKIE) && branch.length > BRANCH_COOKIE.length) {
    return `${branch} ${sentBy} ${method}`;
  }
  // RFC 2543 peers. The To tag is left out: an ACK has one that its INVITE had not.
  const fromTag = request.from.params.get("tag") ?? "";
  const sequence = `${request.callId} ${request.cseq.number} ${fromTag}`;
  return `2543 ${request.uri} ${sequence} ${sentBy} ${branch ?? ""} ${method}`;
}

/** The branch that is part of a server transaction's key; "" for RFC 2543 peers, who have none. */
export function branchIn(serverKey: string): string {
  return serverKey.startsWith(BRANCH_COOKIE) ? serverKey.slice(0, serverKey.indexOf(" ")) : "";
}
