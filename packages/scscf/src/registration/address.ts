// The address of a registered device, and when two of them are one. RFC 3261 §10.3, §19.1.4; RFC 3327 §5.3.
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import type { Uri } from "@ims-lab/common/sip/message/uri";

/** Where the device is reached, as its last accepted REGISTER said. */
export interface Address {
  /** Contact URI as text, byte for byte. */
  readonly contact: string;
  readonly displayName?: string | undefined;
  /** Contact header parameters as received, without expires: `;q=0.5;+sip.instance="<…>"`. */
  readonly params: string;
  /** The device, where its Contact names it: see `instanceOf`. */
  readonly instance?: string | undefined;
  /** Topmost first (RFC 3327 §5.3); empty for a device that registers straight at the S-CSCF. */
  readonly path: readonly string[];
  /** Where a device without Path registered from. */
  readonly source?: string | undefined;
}

export function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

export function sameContact(address: Address, uriText: string, uri: Uri): boolean {
  return isSameContact(address.contact, uriText, uri);
}
