// What happens to a REGISTER on its way to the S-CSCF. TS 24.229 §5.2.2.1, RFC 3327.
import { removeClaims } from "@ims-lab/common/ims/trust-domain";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { Authorization } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";
import { associationOf, type Binding, contactOf } from "../flows/binding.ts";
import { withoutAuthParams } from "./auth-params.ts";
import { addTag, stripSecurityAgreement } from "./option-tags.ts";

/** TS 24.229 §7.2A.2; the values that say more are never ours to give. */
export type IntegrityProtected =
  | "no"
  | "ip-assoc-pending"
  | "ip-assoc-yes"
  | "tls-pending"
  | "tls-yes";

/** @param binding the registered binding of this IMPI and device, if there is one */
export function integrityOf(
  request: SipRequest,
  flow: Flow,
  binding: Binding | undefined,
): IntegrityProtected {
  const secured = isSecure(flow.transport);
  if (binding !== undefined && isBound(request, flow, binding))
    return secured ? "tls-yes" : "ip-assoc-yes";
  const params = request.get(Authorization)?.params;
  const isAka = /^akav/i.test(params?.get("algorithm") ?? "");
  if (!params?.get("response") || isAka) return "no";
  return secured ? "tls-pending" : "ip-assoc-pending";
}

/** Same IMPI and Contact from the very address, port and transport that authenticated last. */
function isBound(request: SipRequest, flow: Flow, binding: Binding): boolean {
  if (request.get(Authorization)?.params.get("username") !== binding.impi) return false;
  if (binding.source !== associationOf(flow)) return false;
  const contact = contactOf(request);
  if (contact === undefined) return request.text("Contact") === "*";
  const known = parseUri(binding.contact);
  return known !== undefined && sameUri(contact.uri, known);
}

export interface RegisterRules {
  /** Our core URI with the binding's token, in angle brackets. */
  readonly path: string;
  readonly integrity: IntegrityProtected;
  readonly visitedNetworkId: string;
  readonly chargingVector: string;
}

export interface UpstreamRegister {
  readonly request: SipRequest;
  /** Headers the UE had no business to send. */
  readonly forged: readonly string[];
}

/** A copy as it goes on; undefined when its credentials cannot be read. */
export function upstreamRegister(
  received: SipRequest,
  rules: RegisterRules,
): UpstreamRegister | undefined {
  const credentials = vouchedFor(received, rules.integrity);
  if (credentials === undefined) return undefined;
  const request = received.clone();
  const forged = [...removeClaims(request)];
  if (credentials.claimed) forged.push(INTEGRITY);
  // No Record-Route for REGISTER; no Route either: the next hop is ours to choose.
  request.removeAll(ROUTES);
  stripSecurityAgreement(request);
  if (credentials.marked.length === 0) request.remove("Authorization");
  else request.set("Authorization", credentials.marked);
  request.push("Path", rules.path);
  addTag(request, "Require", "path");
  addTag(request, "Supported", "path"); // RFC 3327 §5.2 deviation: many phones do not list it
  request.set("P-Visited-Network-ID", `"${rules.visitedNetworkId}"`);
  request.set("P-Charging-Vector", rules.chargingVector);
  return { request, forged };
}

const ROUTES: ReadonlySet<string> = new Set(["Route", "Record-Route"]);
const INTEGRITY = "integrity-protected";

interface VouchedFor {
  /** With our word on how they came; without Authorization nothing is said. */
  readonly marked: readonly string[];
  /** The UE had put such a word there itself. */
  readonly claimed: boolean;
}

/** Undefined when they cannot be read. Credentials of other schemes are no concern of IMS. */
function vouchedFor(received: SipRequest, integrity: IntegrityProtected): VouchedFor | undefined {
  const texts = received.texts("Authorization");
  const marked: string[] = [];
  let claimed = false;
  for (const text of texts) {
    const bare = withoutAuthParams(text, [INTEGRITY]);
    if (bare !== text) claimed = true;
    if (!/^digest\s/i.test(text)) continue;
    const isRead = texts.length === 1 && bare === text; // mostly: one, and nothing had to go
    const params = (isRead ? received.get(Authorization) : parseAuthHeader(bare))?.params;
    if (params === undefined) return undefined;
    marked.push(`${bare}${params.size === 0 ? " " : ","}${INTEGRITY}="${integrity}"`);
  }
  return { marked, claimed };
}
