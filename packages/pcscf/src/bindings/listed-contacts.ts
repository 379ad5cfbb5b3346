// The Contacts that a 200 to a REGISTER leaves bound behind this edge. RFC 3261 §10.3 step 8.
import {
  expiresOf,
  findListed,
  isRemoval,
  isSameContact,
  lastOfEqual,
  MOST_CONTACTS,
  type NamedContact,
  type NamedContacts,
} from "@ims-lab/common/ims/registered-contacts";
import { Contact, Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { NameAddr } from "@ims-lab/common/sip/message/name-addr";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { type Binding, type BoundContact, contactsOf, isContact } from "./binding.ts";

export interface ListingAnswer {
  readonly request: SipRequest;
  readonly named: NamedContacts;
  readonly response: SipResponse;
  /** The user's bindings as they are. */
  readonly bindings: readonly Binding[];
  /** What had been heard when the REGISTER left, and what this 200 is; see `BoundContact`. */
  readonly sent: number;
  readonly heard: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A Contact that is there, with the Path that it is behind. */
export interface PlacedContact {
  readonly token: string;
  readonly contact: BoundContact;
}

export interface Followed {
  /** Contacts of the REGISTER that are bound by it. */
  readonly bound: readonly BoundContact[];
  /** Others of the user that stay where they are. */
  readonly kept: readonly PlacedContact[];
  /** Bound by this REGISTER, and behind another Path or otherwise written before. */
  readonly renewed: readonly PlacedContact[];
  /** Bound no more. */
  readonly gone: readonly PlacedContact[];
  /** URIs of Contacts that it was to bind, and that the 200 does not list. */
  readonly missing: readonly string[];
}

/** Undefined when a later REGISTER of one of its Contacts has been accepted: answers overtake each other. */
export function follow(accepted: ListingAnswer): Followed | undefined {
  const { named, response, bindings } = accepted;
  const contacts = named.kind === "bind" ? lastOfEqual(named.contacts.slice(0, MOST_CONTACTS)) : [];
  const arriving = contacts.some(isRemoval) ? contacts.filter((one) => !isRemoval(one)) : contacts;
  const asked = arriving.map(askedContact);
  const isListed = (row: NameAddr | "*"): row is NameAddr =>
    row !== "*" && secondsOf(row, response) !== 0;
  const rows = response.all(Contact);
  const listedRows = rows.every(isListed) ? rows : rows.filter(isListed);
  if (bindings.length > 0) return followPlaced(accepted, contacts, asked, listedRows);
  // A first registration, as most: nothing was there that could stay or go.
  const { bound, missing } = followAsked(accepted, asked, findListed(asked, listedRows));
  return { bound, missing, renewed: NONE, kept: NONE, gone: NONE };
}

const NONE: readonly never[] = [];

/** What becomes of the Contacts that it was to bind. */
function followAsked(
  accepted: ListingAnswer,
  asked: readonly Asked[],
  listed: ReadonlyMap<Asked | Other, NameAddr>,
): Pick<Followed, "bound" | "missing"> {
  const isMissing = (one: Asked): boolean => !listed.has(one);
  const missing = asked.some(isMissing) ? asked.filter(isMissing) : NONE;
  const there = missing.length === 0 ? asked : asked.filter((one) => !isMissing(one));
  return {
    bound: there.map((one) => boundContact(accepted, one, listed.get(one) ?? one.named.value)),
    missing: missing.map(({ contact }) => contact),
  };
}

/** The same for a user who has bindings: what becomes of their Contacts, too. */
function followPlaced(
  accepted: ListingAnswer,
  contacts: readonly NamedContact[],
  asked: readonly Asked[],
  listedRows: readonly NameAddr[],
): Followed | undefined {
  const { request, bindings, sent } = accepted;
  const placed = bindings.flatMap((binding) =>
    contactsOf(binding).map((contact) => ({ token: binding.token, contact })),
  );
  const isNamed = ({ contact }: PlacedContact): boolean =>
    contacts.some(({ value }) => isContact(contact, value));
  const isLater = ({ contact: { callId, cseq, heard } }: PlacedContact): boolean =>
    heard > sent && callId === request.callId && cseq > request.cseq.number;
  if (placed.some((one) => isLater(one) && isNamed(one))) return undefined;

  const askedAs = ({ contact }: PlacedContact): Asked | undefined =>
    asked.find(({ named: { value } }) => isContact(contact, value));
  const others = placed.filter((one) => askedAs(one) === undefined).map(listedContact);
  const listed = findListed<Asked | Other, NameAddr>([...asked, ...others], listedRows);
  // One that was confirmed while this REGISTER was under way may have come to the S-CSCF after it.
  const isGone = (one: Other): boolean =>
    !listed.has(one) && (one.placed.contact.heard <= sent || isNamed(one.placed));
  const isListed = (one: Asked | undefined): boolean => one !== undefined && listed.has(one);
  return {
    ...followAsked(accepted, asked, listed),
    renewed: placed.filter((one) => isListed(askedAs(one))),
    kept: others.filter((one) => !isGone(one)).map((one) => one.placed),
    gone: [
      ...others.filter(isGone).map((one) => one.placed),
      ...placed.filter((one) => askedAs(one) !== undefined && !isListed(askedAs(one))),
    ],
  };
}

/** One that it was to bind. */
interface Asked {
  readonly contact: string;
  readonly named: NamedContact;
}

/** One that was there and is not named. */
interface Other {
  readonly contact: string;
  readonly placed: PlacedContact;
}

function askedContact(named: NamedContact): Asked {
  return { contact: ownCopy(named.value.uriText), named };
}

function listedContact(placed: PlacedContact): Other {
  return { contact: placed.contact.listed ?? placed.contact.contact, placed };
}

function boundContact(
  { request, response, heard, now }: ListingAnswer,
  { contact, named }: Asked,
  row: NameAddr,
): BoundContact {
  const seconds = secondsOf(row, response) ?? named.expires ?? DEFAULT_SECONDS;
  const isAsWritten = isSameContact(contact, row.uriText, row.uri);
  return {
    contact,
    listed: isAsWritten ? undefined : ownCopy(row.uriText),
    instance: named.instance,
    callId: ownCopy(request.callId),
    cseq: request.cseq.number,
    expiresAt: now + seconds * 1000,
    heard,
  };
}

/** Of a registrar that says nothing of it: RFC 3261 §10.2.1.1. */
const DEFAULT_SECONDS = 3600;

function secondsOf(row: NameAddr, response: SipResponse): number | undefined {
  return expiresOf(row.params) ?? response.get(Expires);
}
