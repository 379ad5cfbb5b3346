// The answer to a REGISTER on its way to the UE, without keys. TS 24.229 §5.2.2.1, RFC 3327 §5.3, RFC 3310.

import { removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { removeSessionKeys } from "@ims-lab/common/sip/auth/session-keys";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { hasTag } from "../sides/option-tags.ts";
import type { Challenge } from "./pending-challenges.ts";

/** Changes `response`. @param asked the REGISTER as the UE sent it */
export function downstreamRegister(response: SipResponse, asked: SipRequest): SipResponse {
  removeNetworkOnly(response);
  if (!hasTag(asked, "Supported", "path")) response.remove("Path");
  if (response.has("WWW-Authenticate")) removeSessionKeys(response);
  return response;
}

/** Of a 401, to know its answer again. @param token of its Path @param scscf that sent it */
export function challengeIn(response: SipResponse, token: string, scscf: string): Challenge {
  const nonces: string[] = [];
  let isAka = false;
  for (const { params } of response.all(WwwAuthenticate)) {
    const nonce = params.get("nonce");
    if (nonce !== undefined) nonces.push(ownCopy(nonce));
    isAka ||= /^akav/i.test(params.get("algorithm") ?? "");
  }
  return { token, scscf, nonces, isAka };
}
