// OPTIONS to this node itself: a ping, answered without state. RFC 3261 §11.2.
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { IsOwn } from "@ims-lab/common/sip/proxy/loop";
import { isOwnUri } from "@ims-lab/common/sip/proxy/route";

/** What this node itself takes; everything else is relayed. */
export const OWN_METHODS = "OPTIONS, SUBSCRIBE, NOTIFY";

export function isOptionsToUs(request: SipRequest, isOwn: IsOwn): boolean {
  if (request.method !== "OPTIONS" || !isOwnUri(request.requestUri, isOwn)) return false;
  return request.all(Route).every(({ uri }) => isOwnUri(uri, isOwn));
}

export function answerOptions(incoming: Incoming): void {
  incoming.refuse(200, { headers: [["Allow", OWN_METHODS]] });
}
