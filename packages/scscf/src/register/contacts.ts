// Requested contacts: the Contact and Expires headers of a REGISTER. RFC 3261 §10.2, §10.3 step 6.
import {
  isRemoval,
  lastOfEqual,
  MOST_CONTACTS,
  type NamedContact,
  type NamedContacts,
  namedContacts,
} from "@ims-lab/common/ims/registered-contacts";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { type Refusal, refusal } from "../outcomes.ts";
import type { Address } from "../registration/address.ts";

export type RequestedContacts = Exclude<NamedContacts, { readonly kind: "unreadable" }>;

/** @param most Contacts that one REGISTER may bind, `contacts.maxPerImpi` */
export function readContacts(request: SipRequest, most: number): RequestedContacts | Refusal {
  const named = namedContacts(request);
  if (named.kind === "unreadable") return refusal("bad-contact", named.why);
  if (named.kind !== "bind") return named;
  const { contacts } = named;
  if (contacts.length <= most) return named;
  const different = contacts.length <= MOST_CONTACTS ? lastOfEqual(contacts) : contacts;
  const bound = different.filter((one) => !isRemoval(one)).length;
  if (contacts.length <= MOST_CONTACTS && bound <= most) return named;
  const detail = `${contacts.length} Contacts, ${bound} of them to bind: contacts.maxPerImpi is ${most}`;
  return refusal("too-many-contacts", detail);
}

/** What is kept of a Contact that came over `path`, or straight from `source`. */
export function addressOf(
  { value, instance }: NamedContact,
  path: readonly string[],
  source: string,
): Address {
  const { displayName } = value;
  return {
    contact: ownCopy(value.uriText),
    params: ownCopy(value.params.without("expires").toString()),
    displayName: displayName === undefined ? undefined : ownCopy(displayName),
    instance,
    path: path.map(ownCopy),
    source: path.length === 0 ? source : undefined,
  };
}
