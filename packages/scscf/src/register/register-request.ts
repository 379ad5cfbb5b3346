// One REGISTER, read: who sends it, who it is for, what it asks, which bindings it means. RFC 3261 §10.3.
import { type Credentials, credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import { sipUriOfPath, uriTextOfPath } from "@ims-lab/common/ims/path";
import {
  type ContactMatch,
  isRemoval,
  matchContacts,
  type NamedContact,
} from "@ims-lab/common/ims/registered-contacts";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip, type SipUri } from "@ims-lab/common/sip/message/uri";
import { isSecured } from "@ims-lab/common/sip/proxy/secured";
import type { Authenticator } from "../authentication/authenticator.ts";
import type { ChallengeKey } from "../authentication/outcome.ts";
import { isProtected, type RegisterOrigin, type RequestOrigin, withIntegrity } from "../origin.ts";
import { isRefusal, type Refusal, refusal } from "../outcomes.ts";
import { samePath } from "../registration/address.ts";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { type RequestedContacts, readContacts } from "./contacts.ts";
import { isContinued, isOwnFlow, isProvenFlow, isSecuredFlow } from "./flow.ts";
import { identify, type Registrant } from "./identify.ts";

/** A Contact of the REGISTER and the binding it means, if there is one. */
export interface MatchedContact {
  readonly requested: NamedContact;
  readonly binding: Binding | undefined;
  /** The binding is of this very URI, not of the same device at another. */
  readonly isSameUri: boolean;
}

/** A REGISTER as its sender may say it, before it is known whose it is. */
export interface ReadRegister {
  readonly request: SipRequest;
  readonly origin: RegisterOrigin;
  /** The only reading of its Authorization. */
  readonly credentials: Credentials | undefined;
  /** User part of the topmost Path URI. */
  readonly pathToken: string | undefined;
  readonly requested: RequestedContacts;
}

export interface RegisterRequest extends Registrant, ReadRegister {
  readonly incoming: Incoming;
  /** What the sender hears when he has answered a challenge: until then he is nobody known. */
  readonly hiddenRefusal: Refusal | undefined;
  readonly targets: readonly MatchedContact[];
  /** Bindings that end because their device or URI is bound by a target. */
  readonly superseded: readonly Binding[];
  /** All that its Contacts mean: those of the targets, and the superseded. */
  readonly meant: readonly Binding[];
  /** The IMPI's bindings, oldest first. */
  readonly bindings: readonly Binding[];
}

export interface ReadingRules {
  readonly directory: SubscriberDirectory;
  readonly domain: string;
  readonly allowDirect: boolean;
  readonly bindings: Bindings;
  readonly authenticator: Authenticator;
  /** User parts of Path that stand for a P-CSCF and all its users; see `namesBinding`. */
  readonly sharedPathUsers: readonly string[];
  readonly maxPerImpi: number;
}

/** Whether its sender may register devices here, and whether all that it says can be read. */
export function readRegister(
  rules: ReadingRules,
  request: SipRequest,
  sender: RequestOrigin,
): ReadRegister | Refusal {
  if (!sender.trusted && !rules.allowDirect) {
    const why = `${sender.source} is no trusted peer (trustedPeers): devices register at their P-CSCF`;
    return refusal("untrusted-peer", why);
  }
  const unsupported = request.texts("Require").filter((tag) => tag.toLowerCase() !== "path");
  if (unsupported.length > 0) {
    return { refused: "bad-extension", detail: `Require: ${unsupported.join(", ")}`, unsupported };
  }
  const hops: SipUri[] = [];
  for (const value of sender.path) {
    const hop = sipUriOfPath(value);
    if (hop === undefined) return refusal("bad-path", `Path: ${value}`);
    hops.push(hop);
  }
  const requested = readContacts(request, rules.maxPerImpi);
  if (isRefusal(requested)) return requested;
  const emergency = emergencyContact(requested);
  if (emergency !== undefined) return refusal("emergency", `Contact: ${emergency}`);
  const insecure = insecureHop(requested, request, sender);
  if (insecure !== undefined) return insecure;
  const credentials = credentialsOf(request, rules.domain);
  if (isMalformed(credentials)) return refusal("bad-authorization", credentials.malformed);
  const origin = withIntegrity(sender, credentials);
  return { request, origin, credentials, pathToken: hops[0]?.user, requested };
}

/** Whose it is, and which of his bindings its Contacts mean. */
export function identifyRegister(
  rules: ReadingRules,
  incoming: Incoming,
  read: ReadRegister,
): RegisterRequest | Refusal {
  const { request, credentials, pathToken, requested } = read;
  const registrant = identify(rules.directory, rules.domain, request, credentials?.impi);
  if (isRefusal(registrant)) {
    const disguised = disguise(rules, registrant, request, credentials?.impi);
    if (disguised === undefined) return registrant;
    return registerOf(incoming, read, { who: disguised, hidden: registrant, meaning: NOBODYS });
  }
  const { impi } = registrant.subscriber;
  const taken = pathOfAnother(rules, impi, pathToken);
  if (taken !== undefined) return taken;
  const bindings = rules.bindings.ofSet(registrant.set).filter((one) => one.impi === impi);
  const meaning = meaningOf(requested, bindings);
  return registerOf(incoming, read, { who: registrant, hidden: undefined, meaning });
}

type Meaning = Pick<RegisterRequest, "targets" | "superseded" | "meant" | "bindings">;

function registerOf(
  incoming: Incoming,
  { request, origin, credentials, pathToken, requested }: ReadRegister,
  found: {
    readonly who: Registrant;
    readonly hidden: Refusal | undefined;
    readonly meaning: Meaning;
  },
): RegisterRequest {
  const { subscriber, impu, set } = found.who;
  const { targets, superseded, meant, bindings } = found.meaning;
  return {
    incoming,
    request,
    origin,
    credentials,
    pathToken,
    requested,
    subscriber,
    impu,
    set,
    hiddenRefusal: found.hidden,
    targets,
    superseded,
    meant,
    bindings,
  };
}

/** With `hideUnknown`: who is challenged in place of somebody unknown, or with a foreign identity. */
function disguise(
  { authenticator, directory }: ReadingRules,
  { refused }: Refusal,
  request: SipRequest,
  impi: string | undefined,
): Registrant | undefined {
  if (!authenticator.hidesUnknown || !HIDDEN.has(refused)) return undefined;
  const impu = aorOf(request.to.uri);
  // Who gives no private identity is taken for the one that such a public one mostly belongs to.
  const name = impi ?? impu.replace(/^(sips?|tel):/, "");
  const subscriber = directory.byImpi(name) ?? authenticator.phantom(name);
  return subscriber && { subscriber, impu, set: "" };
}
const HIDDEN: ReadonlySet<string> = new Set(["unknown-user", "foreign-impu", "ambiguous-user"]);
const NOBODYS: Meaning = { targets: [], superseded: [], meant: [], bindings: [] };

/**
 * The user part of the topmost Path names a binding at the P-CSCF: who holds it does not lose it to
 * another IMPI, whatever that P-CSCF took it for.
 */
function pathOfAnother(
  { bindings, sharedPathUsers }: ReadingRules,
  impi: string,
  pathToken: string | undefined,
): Refusal | undefined {
  if (pathToken === undefined || !namesBinding(pathToken, sharedPathUsers)) return undefined;
  for (const other of bindings.ofPath(pathToken)) {
    if (other.impi === impi) continue;
    return refusal("path-of-another", `Path ${pathToken} of ${impi} is a binding of ${other.impi}`);
  }
  return undefined;
}

function namesBinding(user: string, shared: readonly string[]): boolean {
  return !shared.includes("*") && !shared.includes(user);
}

/** TS 24.229 §5.1.6.2: `;sos` in a Contact's URI asks for an emergency registration. */
function emergencyContact(requested: RequestedContacts): string | undefined {
  if (requested.kind !== "bind") return undefined;
  return requested.contacts.find(isForEmergency)?.value.uriText;
}

function isForEmergency({ value: { uri } }: NamedContact): boolean {
  return isSip(uri) && uri.params.has("sos");
}

/** RFC 5630 §5.2: a `sips:` Contact is reached by `sips:` all the way, or it is not bound. */
function insecureHop(
  requested: RequestedContacts,
  request: SipRequest,
  { path }: RequestOrigin,
): Refusal | undefined {
  if (requested.kind !== "bind") return undefined;
  if (!requested.contacts.some(isSecuredContact)) return undefined;
  const hops = path.map(uriTextOfPath);
  const plain = [request.uri, ...hops].find((uri) => !isSecured(uri));
  if (plain === undefined) return undefined;
  return refusal(
    "insecure-hop",
    `a sips: Contact with ${plain} on the way: register a sip: Contact`,
  );
}

function isSecuredContact({ value }: NamedContact): boolean {
  return isSecured(value.uriText);
}

function meaningOf(requested: RequestedContacts, bindings: readonly Binding[]): Meaning {
  if (requested.kind === "query") return { targets: [], superseded: [], meant: [], bindings };
  if (requested.kind === "remove-all")
    return { targets: [], superseded: [], meant: bindings, bindings };
  const known = bindings.map(knownContact);
  const found = matchContacts(requested.contacts, known);
  const targets = found.matches.map(targetOf);
  const superseded = found.superseded.map(({ binding }) => binding);
  const meant: Binding[] = [];
  for (const { binding } of targets) if (binding !== undefined) meant.push(binding);
  for (const binding of superseded) meant.push(binding);
  return { targets, superseded, meant, bindings };
}

interface Known {
  readonly binding: Binding;
  readonly contact: string;
  readonly instance: string | undefined;
}

function knownContact(binding: Binding): Known {
  const { contact, instance } = binding.address;
  return { binding, contact, instance };
}

function targetOf({ named, binding, isSameUri }: ContactMatch<Known>): MatchedContact {
  return { requested: named, binding: binding?.binding, isSameUri };
}

export function isDue({ meant }: RegisterRequest): boolean {
  return meant.some(({ reauthentication }) => reauthentication !== undefined);
}

export function overOwnFlow({ origin, request }: RegisterRequest, binding: Binding): boolean {
  return isOwnFlow(origin, binding, request);
}

/** Whether the challenge that the REGISTER answers is one that the binding's own device has caused. */
export function isOwnAttempt({ origin, request }: RegisterRequest, binding: Binding): boolean {
  return isSecuredFlow(origin) || isContinued(binding, request);
}

export function overProvenFlow({ origin }: RegisterRequest, binding: Binding): boolean {
  return isProvenFlow(origin, binding);
}

/** Whether it only takes bindings away. */
export function isLeaving({ requested }: RegisterRequest): boolean {
  if (requested.kind === "bind") return requested.contacts.every(isRemoval);
  return requested.kind === "remove-all";
}

/**
 * May go without a challenge: a protected association vouches for a known device at the same
 * Contact and Path, and nobody is waiting for its re-authentication.
 */
export function mayPass(register: RegisterRequest): boolean {
  const { origin, requested, targets, bindings } = register;
  if (!isProtected(origin)) return false;
  const samePlace = (one: Binding): boolean => samePath(one.address.path, origin.path);
  if (requested.kind !== "bind") return bindings.some(samePlace) && !blocked(register);
  const isKnown = targets.some(({ binding }) => binding !== undefined && samePlace(binding));
  const isUnmovedAll = targets.every((target) => isUnmoved(target, origin));
  return isKnown && isUnmovedAll && register.superseded.length === 0 && !blocked(register);
}

/** A re-authentication is due, and the device was not challenged on its way out before. */
function blocked(register: RegisterRequest): boolean {
  return register.meant.some(
    ({ reauthentication, leavingBy }) =>
      reauthentication !== undefined && !(isLeaving(register) && leavingBy !== undefined),
  );
}

function isUnmoved(
  { requested, binding, isSameUri }: MatchedContact,
  origin: RequestOrigin,
): boolean {
  if (isRemoval(requested)) return true;
  return isSameUri && binding !== undefined && samePath(binding.address.path, origin.path);
}

/** What an outstanding challenge is filed under: nobody can overwrite somebody else's. */
export function challengeKey(register: RegisterRequest): ChallengeKey {
  const { subscriber, request, origin, pathToken = "" } = register;
  const place = origin.path.length === 0 ? origin.source : pathToken;
  return { impi: subscriber.impi, callId: request.callId, pathToken: place };
}
