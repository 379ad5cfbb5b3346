// The credentials of a REGISTER as a UE may give them: what it says of its own protection is no part of them. TS 24.229 §5.2.2.1.

import {
  type Credentials,
  credentialsOf,
  type MalformedCredentials,
  realmOf,
} from "@ims-lab/common/ims/credentials";
import { authParamFilter } from "@ims-lab/common/sip/auth/auth-params";
import type { SipRequest } from "@ims-lab/common/sip/message/message";

/** The P-CSCF's word on how a REGISTER came (TS 24.229 §7.2A.2). */
export const INTEGRITY = "integrity-protected";

const withoutClaim = authParamFilter([INTEGRITY]);
const CLAIM = new RegExp(INTEGRITY, "i");

/** The UE has put such a word there itself, be it in a value that does not go on. */
export function claimsIntegrity(request: SipRequest): boolean {
  return request.texts("Authorization").some((text) => CLAIM.test(text));
}

/**
 * The only reading of a REGISTER's Authorization at this node.
 * @param claimed see `claimsIntegrity`: mostly nothing has to be taken out
 */
export function credentialsFromUe(
  request: SipRequest,
  claimed: boolean = claimsIntegrity(request),
): Credentials | MalformedCredentials | undefined {
  return credentialsOf(request, realmOf, claimed ? withoutClaim : undefined);
}
