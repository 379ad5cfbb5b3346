// A REGISTER on its way to the S-CSCF. TS 24.229 §5.2.2.1, RFC 3327.
import { type Credentials, hasResponse } from "@ims-lab/common/ims/credentials";
import { isRemoval, type NamedContacts } from "@ims-lab/common/ims/registered-contacts";
import { claimsAnd, removeClaims } from "@ims-lab/common/ims/trust-domain";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";
import {
  associationOf,
  type Binding,
  contactsOf,
  isContact,
  isRegistered,
} from "../bindings/binding.ts";
import { addTag, hasTag, removeSecurityTags, SECURITY_HEADERS } from "../sides/option-tags.ts";
import { INTEGRITY } from "../sides/ue-credentials.ts";
import { answers, type PendingChallenge } from "./pending-challenges.ts";

/** TS 24.229 §7.2A.2; the values that say more are never ours to give. */
export type IntegrityProtected =
  | "no"
  | "ip-assoc-pending"
  | "ip-assoc-yes"
  | "tls-pending"
  | "tls-yes";

export interface ReceivedRegister {
  readonly request: SipRequest;
  /** To, as `aorOf` files it. */
  readonly aor: string;
  readonly flow: Flow;
  readonly named: NamedContacts;
  /** See `deviceOf`. */
  readonly device: string;
  readonly credentials: Credentials | undefined;
  /** What it may answer. */
  readonly challenge: PendingChallenge | undefined;
}

/** @param binding the registered binding of this IMPI and device, if there is one */
export function integrityOf(
  register: ReceivedRegister,
  binding: Binding | undefined,
): IntegrityProtected {
  const { flow, credentials, challenge } = register;
  const secured = isSecure(flow.transport);
  if (binding !== undefined && isBound(register, binding) && !isMereDatagram(register))
    return secured ? "tls-yes" : "ip-assoc-yes";
  if (!hasResponse(credentials) || isAka(credentials, challenge)) return "no";
  return secured ? "tls-pending" : "ip-assoc-pending";
}

function isAka(
  credentials: Credentials | undefined,
  challenge: PendingChallenge | undefined,
): boolean {
  const said = credentials?.params.get("algorithm");
  if (said !== undefined) return /^akav/i.test(said);
  return challenge?.isAka === true && answers(credentials, challenge);
}

/**
 * Who ends something over UDP may be anybody: a source address is easily written into a datagram, and
 * nobody answers it. He is challenged (docs/decisions/0017); a connection proves where it comes from.
 */
function isMereDatagram({ named, flow }: ReceivedRegister): boolean {
  return flow.transport === "udp" && endsSomething(named);
}

function endsSomething(named: NamedContacts): boolean {
  return named.kind === "bind" ? named.contacts.some(isRemoval) : named.kind === "remove-all";
}

/** Same IMPI, identity and Contacts from the very address, port and transport that authenticated last. */
function isBound({ aor, flow, named, credentials }: ReceivedRegister, binding: Binding): boolean {
  if (credentials?.impi !== binding.impi) return false;
  if (binding.source !== associationOf(flow)) return false;
  if (!isRegistered(binding, aor)) return false;
  if (named.kind !== "bind") return named.kind === "remove-all";
  const known = contactsOf(binding);
  const bound = named.contacts.filter((one) => !isRemoval(one));
  const isKnown = ({ value }: (typeof bound)[number]): boolean =>
    known.some((one) => isContact(one, value));
  return bound.length > 0 ? bound.every(isKnown) : named.contacts.some(isKnown);
}

export interface RegisterRules {
  /** Our core URI with the binding's token, in angle brackets. */
  readonly path: string;
  /** The one value that goes on. */
  readonly credentials: Credentials | undefined;
  readonly integrity: IntegrityProtected;
  /** The UE had put our word on it there itself, see `claimsIntegrity`. */
  readonly claimed: boolean;
  /** See the function of this name. */
  readonly listsPath: boolean;
  readonly visitedNetworkId: string;
  readonly chargingVector: string;
}

export interface UpstreamRegister {
  readonly request: SipRequest;
  /** Headers the UE had no business to send. */
  readonly forged: readonly string[];
}

/** A copy as it goes on. */
export function upstreamRegister(received: SipRequest, rules: RegisterRules): UpstreamRegister {
  const { credentials, integrity } = rules;
  const request = received.clone();
  const claims = removeClaims(request, LEAVING);
  const forged = rules.claimed ? [...claims, INTEGRITY] : claims;
  removeSecurityTags(request);
  if (credentials === undefined) request.remove("Authorization");
  else request.set("Authorization", markedWith(credentials, integrity));
  request.push("Path", rules.path);
  addTag(request, "Require", PATH);
  if (!rules.listsPath) request.append("Supported", PATH); // RFC 3327 §5.2 deviation: many phones do not list it
  request.set("P-Visited-Network-ID", `"${rules.visitedNetworkId}"`);
  request.set("P-Charging-Vector", rules.chargingVector);
  return { request, forged };
}

/** No Record-Route for REGISTER; no Route either: the next hop is ours to choose. */
const LEAVING = claimsAnd(["Route", "Record-Route", ...SECURITY_HEADERS]);
const PATH = "path";

/** Whether the UE says that it knows Path (RFC 3327 §5.3). */
export function listsPath(received: SipRequest): boolean {
  return hasTag(received, "Supported", PATH);
}

/** With our word on how they came, and nobody else's. */
function markedWith({ text, params }: Credentials, integrity: IntegrityProtected): string {
  return `${text}${params.size === 0 ? " " : ","}${INTEGRITY}="${integrity}"`;
}
