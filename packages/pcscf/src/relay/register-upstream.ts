// What happens to a REGISTER on its way to the S-CSCF. TS 24.229 §5.2.2.1, RFC 3327.
import { Authorization } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";
import { associationOf, type Binding, contactOf } from "../flows/binding.ts";
import { withAuthParam, withoutAuthParams } from "./auth-params.ts";
import { addTag, stripSecurityAgreement } from "./option-tags.ts";
import { removeClaims } from "./trust-headers.ts";

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
  const request = received.clone();
  const forged = [...removeClaims(request)];
  if (received.texts("Authorization").some(claimsIntegrity)) forged.push("integrity-protected");
  // No Record-Route for REGISTER; no Route either: the next hop is ours to choose.
  for (const name of ["Route", "Record-Route"] as const) request.remove(name);
  stripSecurityAgreement(request);
  if (!markIntegrity(request, rules.integrity)) return undefined;
  request.push("Path", rules.path);
  addTag(request, "Require", "path");
  addTag(request, "Supported", "path"); // RFC 3327 §5.2 deviation: many phones do not list it
  request.set("P-Visited-Network-ID", `"${rules.visitedNetworkId}"`);
  request.set("P-Charging-Vector", rules.chargingVector);
  return { request, forged };
}

function claimsIntegrity(credentials: string): boolean {
  return withoutAuthParams(credentials, ["integrity-protected"]) !== credentials.trim();
}

/** Without Authorization nothing is said; credentials of other schemes are no concern of IMS. */
function markIntegrity(request: SipRequest, integrity: IntegrityProtected): boolean {
  const digests = request.texts("Authorization").filter((text) => /^digest\s/i.test(text));
  const marked: string[] = [];
  for (const credentials of digests) {
    const text = withAuthParam(credentials, "integrity-protected", integrity);
    if (text === undefined) return false;
    marked.push(text);
  }
  if (marked.length === 0) request.remove("Authorization");
  else request.set("Authorization", marked);
  return true;
}
