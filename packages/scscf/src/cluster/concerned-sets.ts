// The registration sets that a request concerns: of whom it names, as whom it comes, and who registers. TS 24.229 §5.4.
import { credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import { EventHeader } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { filedAs, type Home } from "../subscribers/identity.ts";
import { setNameOf } from "../subscribers/registration-sets.ts";

const NOBODY: readonly string[] = [];

/** Names of sets; those of all who share an identity. Nobody's, for whom no subscriber is. */
export function concernedSets(home: Home, request: SipRequest): readonly string[] {
  const { method } = request;
  // They belong to a transaction that has its users already.
  if (method === "ACK" || method === "CANCEL") return NOBODY;
  // A P-CSCF's, in a subscription of this very node or of none.
  if (method === "NOTIFY" && request.get(EventHeader)?.value === OWN_PACKAGE) return NOBODY;
  const { directory } = home;
  const names = new Set<string>();
  for (const uri of [
    request.requestUri,
    request.to.uri,
    request.from.uri,
    ...assertedIdentities(request),
  ])
    for (const owner of directory.ownersOf(filedAs(home, uri))) names.add(setNameOf(owner));
  if (method === "REGISTER") {
    const credentials = credentialsOf(request, home.domain);
    const impi = isMalformed(credentials) ? undefined : credentials?.impi;
    const user = impi === undefined ? undefined : directory.byImpi(impi);
    if (user !== undefined) names.add(setNameOf(user));
  }
  return [...names];
}
