// What the P-CSCF keeps per registered device, and how REGISTER and its 200 make it. TS 24.229 §5.2.2.1.
import { Contact, Expires, PAssociatedUri } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { NameAddr } from "@ims-lab/common/sip/message/name-addr";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { aorOf, formatUri, parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";

export interface Binding {
  /** User part of our Path URI; names the binding, not the flow. */
  readonly token: string;
  readonly impi: string;
  /** `+sip.instance` and `reg-id`, else the Contact URI. */
  readonly device: string;
  /** Contact URI as the UE wrote it. */
  readonly contact: string;
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
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  readonly authenticatedAt: number | undefined;
  readonly expiresAt: number;
}

/**
 * One life of a binding, from its first 200 to its end; a token may live several times, and the
 * next life may begin before word of the last one's end has come: our S-CSCF's Service-Route tells.
 */
export function lifeOf({ registeredAt, serviceRoute }: Binding): string {
  return `${registeredAt} ${serviceRoute.join()}`;
}

/** TS 23.003 §13.4B turned round: without credentials the IMPI is guessed from the public identity. */
export function guessedImpi(request: SipRequest): string {
  return aorOf(request.to.uri).replace(/^sip:/, "");
}

/** RFC 5626 §6: the instance names the device, whatever address it has at the moment. */
export function deviceOf(contact: NameAddr): string {
  const instance = contact.params.get("+sip.instance");
  if (instance === undefined || instance === "") return `contact ${formatUri(contact.uri)}`;
  return `instance ${instance} ${contact.params.get("reg-id") ?? ""}`.trimEnd();
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

/** Seconds the 200 grants to `contact`; 0 when it is not among the bindings left (RFC 3261 §10.3 step 8). */
export function grantedSeconds(response: SipResponse, asked: SipRequest): number {
  const contact = contactOf(asked);
  if (contact === undefined) return 0;
  for (const listed of response.all(Contact)) {
    if (listed === "*" || !isSame(listed, contact)) continue;
    return secondsOf(listed.params.get("expires")) ?? response.get(Expires) ?? 0;
  }
  return response.has("Contact") ? 0 : askedSeconds(asked, response.get(Expires));
}

/** Mostly the registrar writes it back as it came. */
function isSame(listed: NameAddr, contact: NameAddr): boolean {
  return listed.uriText === contact.uriText || sameUri(listed.uri, contact.uri);
}

/** A registrar that lists nothing at all: what it says in Expires, never more than was asked. */
function askedSeconds(asked: SipRequest, granted: number | undefined): number {
  const contact = contactOf(asked);
  const wanted = secondsOf(contact?.params.get("expires")) ?? asked.get(Expires);
  return Math.min(granted ?? 0, wanted ?? granted ?? 0);
}

/** Of an `expires` parameter; undefined when absent or malformed (RFC 3261 §10.2.1.1). */
export function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
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

/** Undefined for what is no URI. */
function aorOfText(impu: string): string | undefined {
  const uri = parseUri(impu);
  return uri && aorOf(uri);
}
