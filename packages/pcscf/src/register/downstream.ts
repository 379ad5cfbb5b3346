// The answer to a REGISTER on its way to the UE, without keys. TS 24.229 §5.2.2.1, RFC 3327 §5.3, RFC 3310.

import { removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { removeSessionKeys } from "@ims-lab/common/sip/auth/session-keys";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { hasTag } from "../sides/option-tags.ts";
import type { PendingChallenge } from "./pending-challenges.ts";

/** @param asked the REGISTER as the UE sent it */
export function downstreamRegister(received: SipResponse, asked: SipRequest): SipResponse {
  const response = received.clone();
  removeNetworkOnly(response);
  if (!hasTag(asked, "Supported", "path")) response.remove("Path");
  if (response.has("WWW-Authenticate")) removeSessionKeys(response);
  return response;
}

/** Of a challenge, to know its answer again: its nonces, and whether it asks for AKA. */
export function challengeIn(response: SipResponse): Pick<PendingChallenge, "nonces" | "isAka"> {
  const challenges = response.all(WwwAuthenticate);
  const nonces = challenges.flatMap(({ params }) => params.get("nonce") ?? []).map(ownCopy);
  const isAka = challenges.some(({ params }) => /^akav/i.test(params.get("algorithm") ?? ""));
  return { nonces, isAka };
}
