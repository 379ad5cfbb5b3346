// The answer to a REGISTER on its way to the UE, without keys. TS 24.229 §5.2.2.1, RFC 3327 §5.3, RFC 3310.

import { removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { withoutAuthParams } from "../sides/auth-params.ts";
import { hasTag } from "../sides/option-tags.ts";
import type { PendingChallenge } from "./pending-challenges.ts";

/** @param asked the REGISTER as the UE sent it */
export function downstreamRegister(received: SipResponse, asked: SipRequest): SipResponse {
  const response = received.clone();
  removeNetworkOnly(response);
  if (!hasTag(asked, "Supported", "path")) response.remove("Path");
  if (response.has("WWW-Authenticate")) hideKeys(response);
  return response;
}

/** TS 24.229 §5.2.2.1: the UE, and who listens to it, never sees IK and CK. */
function hideKeys(response: SipResponse): void {
  const challenges = response.texts("WWW-Authenticate");
  const bare = challenges.map((challenge) => withoutAuthParams(challenge, ["ik", "ck"]));
  const isUntouched = bare.every((challenge, at) => challenge === challenges[at]);
  // Mostly there is nothing to hide, and all has been read before.
  if (isUntouched && response.all(WwwAuthenticate).length === challenges.length) return;
  const shown = bare.filter((challenge) => parseAuthHeader(challenge) !== undefined); // unreadable: it may hide them
  if (shown.length === 0) response.remove("WWW-Authenticate");
  else response.set("WWW-Authenticate", shown);
}

/** Of a challenge, to know its answer again: its nonces, and whether it asks for AKA. */
export function challengeIn(response: SipResponse): Pick<PendingChallenge, "nonces" | "isAka"> {
  const challenges = response.all(WwwAuthenticate);
  const nonces = challenges.flatMap(({ params }) => params.get("nonce") ?? []).map(ownCopy);
  const isAka = challenges.some(({ params }) => /^akav/i.test(params.get("algorithm") ?? ""));
  return { nonces, isAka };
}
