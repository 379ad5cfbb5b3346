// The same Contact, the same device: what ties a REGISTER's Contacts to bindings. RFC 3261 §10.3 step 7, §19.1.4; RFC 5626 §4.1.
import { Contact, Expires } from "../sip/message/fields.ts";
import type { SipRequest } from "../sip/message/message.ts";
import type { NameAddr } from "../sip/message/name-addr.ts";
import type { Params } from "../sip/message/params.ts";
import { ownCopy, parseNumber, trimLws, unescapeUri } from "../sip/message/scan.ts";
import { isSip, parseUri, sameUri, type Uri } from "../sip/message/uri.ts";

/** One Contact of a REGISTER. */
export interface NamedContact {
  readonly value: NameAddr;
  /** The device, when it names itself; see `instanceOf`. */
  readonly instance: string | undefined;
  /** Seconds; undefined when nobody said (RFC 3261 §10.3 step 7: the registrar's default then). */
  readonly expires: number | undefined;
}

export type NamedContacts =
  | { readonly kind: "query" }
  | { readonly kind: "remove-all" }
  | { readonly kind: "bind"; readonly contacts: readonly NamedContact[] }
  | { readonly kind: "unreadable"; readonly why: string };

/** More than any device has: what is compared pair by pair stays small. */
export const MOST_CONTACTS = 64;

/** The Contact and Expires headers of a REGISTER, as the registrar and whoever stands before it read them. */
export function namedContacts(request: SipRequest): NamedContacts {
  const values = request.allOrNone(Contact);
  if (values === undefined) return { kind: "unreadable", why: "a Contact cannot be read" };
  if (values.length === 0) return { kind: "query" };
  const header = request.get(Expires);
  if (!areAddresses(values)) return removeAll(values.length, header);
  const other = values.find(({ uri }) => !isSip(uri));
  if (other !== undefined) return { kind: "unreadable", why: `${other.uriText} is no SIP URI` };
  return { kind: "bind", contacts: values.map((value) => namedContact(value, header)) };
}

function areAddresses(values: readonly (NameAddr | "*")[]): values is readonly NameAddr[] {
  return !values.includes("*");
}

function namedContact(value: NameAddr, header: number | undefined): NamedContact {
  const { params } = value;
  return { value, instance: instanceOf(params), expires: expiresOf(params) ?? header };
}

function removeAll(count: number, expires: number | undefined): NamedContacts {
  if (count === 1 && expires === 0) return { kind: "remove-all" };
  return { kind: "unreadable", why: "* is allowed alone and with Expires 0 only" };
}

/** Seconds; RFC 3261 §10.2.1.1: a malformed value counts as absent. */
export function expiresOf(params: Params): number | undefined {
  const text = params.get("expires");
  if (text === undefined || text.length > MOST_DIGITS) return undefined;
  const seconds = parseNumber(text, LARGEST);
  return seconds && Math.min(seconds, MAX);
}
const MAX = 2 ** 32 - 1;
const MOST_DIGITS = 10;
const LARGEST = 10 ** MOST_DIGITS - 1;

export function isRemoval({ expires }: NamedContact): boolean {
  return expires === 0;
}

/**
 * The URN of `+sip.instance` in the form in which equal ones are equal texts: RFC 8141 §3.1 for the
 * scheme and the namespace, RFC 4122 §3 and RFC 7254 for what UUIDs and IMEIs consist of. Undefined
 * where it names no device: absent, empty, a URN of nothing, the nil UUID.
 */
export function instanceOf(params: Params): string | undefined {
  const text = params.get("+sip.instance");
  if (text === undefined) return undefined;
  const urn = trimLws(/^[ \t]*<([^<>]*)>[ \t]*$/.exec(text)?.[1] ?? text);
  const [, namespace, name] = /^urn:([^:]*):(.*)$/i.exec(urn) ?? [];
  if (namespace === undefined || name === undefined)
    return isNothing(urn) ? undefined : ownCopy(urn);
  const id = namespace.toLowerCase();
  const same = CASELESS.has(id) ? name.toLowerCase() : name.replace(/%[\da-f]{2}/gi, upper);
  return isNothing(same) ? undefined : ownCopy(`urn:${id}:${same}`);
}

const CASELESS: ReadonlySet<string> = new Set(["uuid", "gsma"]);

function upper(text: string): string {
  return text.toUpperCase();
}

function isNothing(name: string): boolean {
  return /^[-0]*$/.test(name);
}

/** A Contact that is bound, or listed as such. */
export interface KnownContact {
  /** URI as text. */
  readonly contact: string;
  readonly instance?: string | undefined;
}

export function isSameContact(known: string, text: string, uri: Uri): boolean {
  if (known === text) return true; // mostly it is written as before
  const other = parseUri(known);
  return other !== undefined && sameUri(other, uri);
}

/** What one Contact of a REGISTER means. */
export interface ContactMatch<K> {
  readonly named: NamedContact;
  /** The binding that it refreshes, moves or ends; undefined: a new one, or nothing to end. */
  readonly binding: K | undefined;
  /** The binding is of this very URI; false for one of the same device at another. */
  readonly isSameUri: boolean;
}

export interface ContactMatches<K> {
  readonly matches: readonly ContactMatch<K>[];
  /** Further bindings of a URI or a device that a match has now: they end. */
  readonly superseded: readonly K[];
}

/**
 * Which binding each Contact of one REGISTER means. The URI decides (RFC 3261 §10.3 step 7), whatever
 * the instance and the place in the list; of equal ones in one REGISTER the last counts. A Contact
 * that is new to the device it names takes the place of that device's binding.
 */
export function matchContacts<K extends KnownContact>(
  contacts: readonly NamedContact[],
  known: readonly K[],
): ContactMatches<K> {
  const named = lastOfEqual(contacts);
  // Mostly nothing is bound yet, or one Contact is refreshed as it was written.
  if (known.length === 0) return { matches: named.map((one) => newMatch<K>(one)), superseded: [] };
  const [one, another] = named;
  const [binding] = known;
  if (one !== undefined && another === undefined && known.length === 1)
    if (binding?.contact === one.value.uriText)
      return { matches: [{ named: one, binding, isSameUri: true }], superseded: [] };
  const byUri = new Map(known.map((binding) => [binding, ofSameUri(named, binding)]));
  const byDevice = new Map(known.map((binding) => [binding, ofSameDevice(named, binding, byUri)]));
  const superseded: K[] = [];
  const matches = named.map((one): ContactMatch<K> => {
    const meant = known.filter((binding) => byDevice.get(binding) === one);
    const ofUri = meant.filter((binding) => byUri.get(binding) === one);
    const binding =
      ofUri.find(({ contact }) => contact === one.value.uriText) ?? ofUri[0] ?? meant[0];
    superseded.push(...meant.filter((other) => other !== binding));
    return { named: one, binding, isSameUri: ofUri.length > 0 };
  });
  return { matches, superseded };
}

function newMatch<K>(named: NamedContact): ContactMatch<K> {
  return { named, binding: undefined, isSameUri: false };
}

/** Of equal Contacts in one REGISTER the last counts, as if each were taken in turn. */
export function lastOfEqual(contacts: readonly NamedContact[]): readonly NamedContact[] {
  if (contacts.length === 1) return contacts;
  return contacts.filter(
    ({ value }, at) =>
      !contacts.some((later, place) => place > at && isSameAs(value.uriText, later)),
  );
}

function isSameAs(contact: string, { value }: NamedContact): boolean {
  return isSameContact(contact, value.uriText, value.uri);
}

function ofSameUri(
  named: readonly NamedContact[],
  { contact }: KnownContact,
): NamedContact | undefined {
  const exact = named.find(({ value }) => value.uriText === contact);
  return exact ?? named.find((one) => isSameAs(contact, one));
}

/** The Contact that means a binding in the end: of its URI, else of its device. */
function ofSameDevice<K extends KnownContact>(
  named: readonly NamedContact[],
  binding: K,
  byUri: ReadonlyMap<K, NamedContact | undefined>,
): NamedContact | undefined {
  const ofUri = byUri.get(binding);
  const { instance } = binding;
  if (instance === undefined || (ofUri !== undefined && !isRemoval(ofUri))) return ofUri;
  const ofDevice = named.filter((one) => one.instance === instance);
  const owns = (one: NamedContact, isOne: (known: K) => boolean = () => true): boolean =>
    [...byUri].some(([known, owner]) => owner === one && isOne(known));
  const arriving = ofDevice.filter((one) => !isRemoval(one));
  const mover = arriving.find((one) => !owns(one, (known) => known.instance === instance));
  // What is given up for its device's new Contact goes on as that one's binding.
  if (ofUri !== undefined) return mover === undefined || owns(mover) ? ofUri : mover;
  // Beside a Contact that arrives, one that leaves means its own URI alone.
  return mover ?? (arriving.length === 0 ? ofDevice.find((one) => !owns(one)) : undefined);
}

/** A Contact as a 200 or a registration document lists it. */
export interface ListedContact {
  readonly uriText: string;
  readonly uri: Uri;
}

/**
 * Which listed Contact is which of ours. A registrar may write them otherwise than it got them: one
 * that alone has the user, host and port of one of ours alone is taken for it.
 */
export function findListed<K extends KnownContact, L extends ListedContact>(
  ours: readonly K[],
  listed: readonly L[],
): ReadonlyMap<K, L> {
  const found = new Map<K, L>();
  if (ours.length === 0 || listed.length === 0) return found;
  const [one, another] = ours;
  const [row] = listed;
  if (one !== undefined && another === undefined && one.contact === row?.uriText)
    return found.set(one, row); // mostly there is one, listed as it was sent
  const free = new Set(listed);
  const take = (one: K, row: L | undefined): void => {
    if (row === undefined) return;
    found.set(one, row);
    free.delete(row);
  };
  for (const one of ours)
    take(
      one,
      first(free, ({ uriText }) => uriText === one.contact),
    );
  for (const one of ours) {
    if (!found.has(one))
      take(
        one,
        first(free, (row) => isSameContact(one.contact, row.uriText, row.uri)),
      );
  }
  if (free.size === 0) return found;
  const lost = ours.filter((one) => !found.has(one));
  for (const one of lost) {
    const place = placeOf(parseUri(one.contact));
    const rows = [...free].filter(({ uri }) => placeOf(uri) === place);
    const isAlone = lost.filter(({ contact }) => placeOf(parseUri(contact)) === place).length === 1;
    if (place !== undefined && isAlone && rows.length === 1) take(one, rows[0]);
  }
  return found;
}

function first<T>(all: Iterable<T>, isOne: (one: T) => boolean): T | undefined {
  for (const one of all) if (isOne(one)) return one;
  return undefined;
}

/** User, host and port of a SIP URI, a default port written out. */
function placeOf(uri: Uri | undefined): string | undefined {
  if (!isSip(uri)) return undefined;
  const isSecured = uri.scheme === "sips" || uri.params.get("transport")?.toLowerCase() === "tls";
  const { user, host, port = isSecured ? 5061 : 5060 } = uri;
  return `${unescapeUri(user ?? "")}@${host}:${port}`;
}
