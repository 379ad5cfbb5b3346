// A binding at the P-CSCF: the Contacts behind one Path, their flow, their Service-Route. TS 24.229 §5.2.2.1.
import {
  isSameContact,
  type KnownContact,
  type NamedContact,
} from "@ims-lab/common/ims/registered-contacts";
import { Contact, PAssociatedUri } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { NameAddr } from "@ims-lab/common/sip/message/name-addr";
import { ownCopy, unescapeUri } from "@ims-lab/common/sip/message/scan";
import { aorOf, isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";

/** One Contact as its last accepted REGISTER left it. */
export interface BoundContact extends KnownContact {
  /** URI as the UE wrote it. */
  readonly contact: string;
  /** As the S-CSCF lists it, where that is no equal URI. */
  readonly listed?: string | undefined;
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Grows with each 200 that is heard: which of them spoke of this Contact last. */
  readonly heard: number;
}

/** All of a binding but its Contacts. */
export interface BindingOfPath {
  /** User part of our Path URI; names the binding, not the flow. */
  readonly token: string;
  readonly impi: string;
  /** The identity that its last REGISTER named, as `aorOf` files it; barred ones are not among `impus`. */
  readonly aor: string;
  /** P-Associated-URI as received, the default IMPU first; never empty. */
  readonly impus: readonly string[];
  /** The path the last accepted REGISTER came by: what the UE is reached over. */
  readonly flow: Flow;
  /** True once the stream behind `flow` has ended. */
  readonly flowLost: boolean;
  /** Where the last REGISTER that authenticated came from, see `associationOf`. */
  readonly source: string | undefined;
  /** The UE's Via named another address than its packets came from (RFC 3581). */
  readonly natted: boolean;
  readonly serviceRoute: readonly string[];
  /** URI of the S-CSCF that answered. */
  readonly scscf: string;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  readonly authenticatedAt: number | undefined;
}

/** A device behind one Path: the Contact that it registered, and others that came in the same REGISTERs. */
export interface Binding extends BindingOfPath, BoundContact {
  readonly others?: readonly BoundContact[] | undefined;
}

export function contactsOf(binding: Binding): readonly BoundContact[] {
  return binding.others === undefined ? [binding] : [binding, ...binding.others];
}

/** With these Contacts in place of what it had, each property written out, so that all bindings are of one shape; undefined when there is none. */
export function withContacts(
  path: BindingOfPath,
  contacts: readonly BoundContact[],
): Binding | undefined {
  const [first] = contacts;
  if (first === undefined) return undefined;
  return {
    contact: first.contact,
    listed: first.listed,
    instance: first.instance,
    callId: first.callId,
    cseq: first.cseq,
    expiresAt: first.expiresAt,
    heard: first.heard,
    token: path.token,
    impi: path.impi,
    aor: path.aor,
    impus: path.impus,
    flow: path.flow,
    flowLost: path.flowLost,
    source: path.source,
    natted: path.natted,
    serviceRoute: path.serviceRoute,
    scscf: path.scscf,
    registeredAt: path.registeredAt,
    authenticatedAt: path.authenticatedAt,
    others: contacts.length > 1 ? contacts.slice(1).map(contactAlone) : undefined,
  };
}

/** Without the binding that it may be part of. */
function contactAlone(one: BoundContact): BoundContact {
  const { contact, listed, instance, callId, cseq, expiresAt, heard } = one;
  return { contact, listed, instance, callId, cseq, expiresAt, heard };
}

/** When the last of its Contacts ends. */
export function endOf(binding: Binding): number {
  return contactsOf(binding).reduce((end, { expiresAt }) => Math.max(end, expiresAt), 0);
}

/** Whether a Contact of somebody's request is this one. */
export function isContact({ contact, listed }: BoundContact, { uriText, uri }: NameAddr): boolean {
  if (isSameContact(contact, uriText, uri)) return true;
  return listed !== undefined && isSameContact(listed, uriText, uri);
}

/**
 * One life of a binding, from its first 200 to its end; a token may live several times, and the
 * next life may begin before word of the last one's end has come: our S-CSCF's Service-Route tells.
 */
export function lifeOf({ registeredAt, serviceRoute }: Binding): string {
  return `${registeredAt} ${serviceRoute.join()}`;
}

/** TS 23.003 §13.4B turned round: without credentials the IMPI is guessed from the public identity. */
export function guessedImpi(aor: string): string {
  return aor.startsWith("sip:") ? aor.slice(4) : aor;
}

/** The same text for all REGISTERs of one device, so that they get one Path. */
export function deviceOf({ value, instance }: NamedContact): string {
  if (instance !== undefined) return `instance ${instance}`;
  const { uri } = value;
  if (!isSip(uri)) return `contact ${value.uriText}`;
  const { scheme, user = "", host, port = "", params } = uri;
  const transport = params.get("transport")?.toLowerCase() ?? "";
  return `contact ${scheme}:${unescapeUri(user)}@${host}:${port};${transport}`;
}

/** Address, port and transport that a request came from. */
export function sourceOf(flow: Flow): string {
  return `${flow.transport}:${flow.remote.host}:${flow.remote.port}`;
}

/** What a later REGISTER must share to be taken as protected; within TLS that is the very session. */
export function associationOf(flow: Flow): string {
  return isSecure(flow.transport) ? flow.id : sourceOf(flow);
}

/** The first Contact that is an address; "*" and absence give undefined. */
export function contactOf(request: SipRequest): NameAddr | undefined {
  const contact = request.get(Contact);
  return contact === "*" ? undefined : contact;
}

/** P-Associated-URI, else the identity that was registered (a registrar that is no S-CSCF). */
export function impusOf(response: SipResponse): readonly string[] {
  const associated = response.all(PAssociatedUri).map(({ uriText }) => ownCopy(uriText));
  return associated.length > 0 ? associated : [ownCopy(response.to.uriText)];
}

/** Whether an identity, as `aorOf` files it, is one that the binding's user registered. */
export function isRegistered({ aor, impus }: Binding, wanted: string): boolean {
  return aor === wanted || impus.some((impu) => aorOfText(impu) === wanted);
}

/** Undefined for what is no URI; the same string where it is canonical already: it is kept once then. */
export function aorOfText(impu: string): string | undefined {
  const uri = parseUri(impu);
  const aor = uri && aorOf(uri);
  return aor === impu ? impu : aor;
}
