// What a REGISTER asks for: its Contact and Expires headers. RFC 3261 §10.2, §10.3 step 6; RFC 5626 §4.2.
import { Contact, Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { NameAddr } from "@ims-lab/common/sip/message/name-addr";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { isSip, parseUri, sameUri, type Uri } from "@ims-lab/common/sip/message/uri";
import type { Address } from "./binding.ts";
import { type Refusal, refusal } from "./refusals.ts";

export interface WantedContact {
  readonly value: NameAddr;
  /** `+sip.instance` with `reg-id`, when given. */
  readonly device: string | undefined;
  /** Seconds; undefined when nobody said (RFC 3261 §10.3 step 7: the default then). */
  readonly expires: number | undefined;
}

export type Wanted =
  | { readonly kind: "query" }
  | { readonly kind: "remove-all" }
  | { readonly kind: "bind"; readonly contacts: readonly WantedContact[] };

export function readContacts(request: SipRequest): Wanted | Refusal {
  const values = request.all(Contact);
  if (values.length !== request.texts("Contact").length) {
    return refusal("bad-contact", "a Contact cannot be read");
  }
  if (values.length === 0) return { kind: "query" };
  const header = request.get(Expires);
  const contacts: WantedContact[] = [];
  for (const value of values) {
    if (value === "*") return removeAll(values.length, header);
    if (!isSip(value.uri)) return refusal("bad-contact", `${value.uriText} is no SIP URI`);
    contacts.push({ value, device: deviceOf(value), expires: expiresOf(value) ?? header });
  }
  return { kind: "bind", contacts };
}

function removeAll(count: number, expires: number | undefined): Wanted | Refusal {
  if (count === 1 && expires === 0) return { kind: "remove-all" };
  return refusal("bad-contact", "* is allowed alone and with Expires 0 only");
}

/** RFC 3261 §10.2.1.1: a malformed value counts as absent. */
function expiresOf(value: NameAddr): number | undefined {
  const text = value.params.get("expires");
  return text !== undefined && /^\d{1,10}$/.test(text) ? Math.min(Number(text), MAX) : undefined;
}
const MAX = 2 ** 32 - 1;

function deviceOf(value: NameAddr): string | undefined {
  const instance = value.params.get("+sip.instance");
  if (instance === undefined || instance === "") return undefined;
  const regId = value.params.get("reg-id");
  return ownCopy(regId === undefined ? instance : `${instance};${regId}`);
}

export function isRemoval(wanted: WantedContact): boolean {
  return wanted.expires === 0;
}

/** What is kept of a Contact that came over `path`, or straight from `source`. */
export function addressOf(
  { value, device }: WantedContact,
  path: readonly string[],
  source: string,
): Address {
  return {
    contact: ownCopy(value.uriText),
    params: ownCopy(value.params.without("expires").toString()),
    ...(value.displayName !== undefined && { displayName: ownCopy(value.displayName) }),
    ...(device !== undefined && { device }),
    path: path.map(ownCopy),
    ...(path.length === 0 && { source }),
  };
}

export function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

export function sameContact(address: Address, uriText: string, uri: Uri): boolean {
  if (address.contact === uriText) return true;
  const other = parseUri(address.contact);
  return other !== undefined && sameUri(other, uri);
}

/** The key of a binding: the instance if given, else Contact URI (§19.1.4) together with Path. */
export function isSameDevice(
  address: Address,
  { value, device }: WantedContact,
  path: readonly string[],
): boolean {
  if (address.device !== undefined || device !== undefined) return address.device === device;
  return samePath(address.path, path) && sameContact(address, value.uriText, value.uri);
}
