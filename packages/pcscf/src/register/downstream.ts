// The answer to a REGISTER on its way to the UE, without keys. TS 24.229 §5.2.2.1, RFC 3327 §5.3, RFC 3310.

import { removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { removeSessionKeys } from "@ims-lab/common/sip/auth/session-keys";
import { WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { Challenge } from "./pending-challenges.ts";

/** Changes `response`. @param listsPath whether the UE knows Path */
export function downstreamRegister(response: SipResponse, listsPath: boolean): SipResponse {
  removeNetworkOnly(response);
  if (!listsPath) response.remove("Path");
  if (response.has("WWW-Authenticate")) removeSessionKeys(response);
  return response;
}

/** Of a 401, to know its answer again. @param token of its Path @param scscf that sent it */
export function challengeIn(response: SipResponse, token: string, scscf: string): Challenge {
  const challenges = response.all(WwwAuthenticate);
  const nonces = challenges.map(({ params }) => ownCopy(params.get("nonce") ?? ""));
  const isAka = challenges.some(({ params }) => /^akav/i.test(params.get("algorithm") ?? ""));
  return { token, scscf, nonces, isAka };
}
