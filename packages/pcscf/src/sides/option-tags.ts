// Require, Proxy-Require and the security agreement. RFC 3261 §16.3 step 5, RFC 3329, RFC 3327 §5.
import { HeaderSet } from "@ims-lab/common/sip/message/header-names";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import type { Problem } from "../outcomes.ts";

/** `negotiate` is for a later day. */
export type SecurityAgreement = "reject" | "ignore";

const SEC_AGREE = "sec-agree";
export const SECURITY_HEADERS: readonly string[] = ["Security-Client", "Security-Verify"];
const SECURITY = new HeaderSet(SECURITY_HEADERS);

export function hasTag(message: SipMessage, header: string, tag: string): boolean {
  return message.lists(header, tag);
}

/** What the UE demands of us and we do not do. */
export function extensionProblem(
  request: SipRequest,
  agreement: SecurityAgreement,
): Problem | undefined {
  const tags = request
    .texts("Proxy-Require")
    .filter((tag) => tag !== "" && (tag.toLowerCase() !== SEC_AGREE || agreement === "reject"));
  if (agreement === "reject" && hasTag(request, "Require", SEC_AGREE)) tags.push(SEC_AGREE);
  return tags.length === 0 ? undefined : { kind: "extension", tags: [...new Set(tags)] };
}

/** TS 24.229 §5.2.2.1 step 6: the agreement is between UE and P-CSCF and goes no further. */
export function stripSecurityAgreement(request: SipRequest): void {
  request.removeAll(SECURITY);
  removeSecurityTags(request);
}

/** Of Require and Proxy-Require. */
export function removeSecurityTags(request: SipRequest): void {
  removeTag(request, "Require", SEC_AGREE);
  removeTag(request, "Proxy-Require", SEC_AGREE);
}

function removeTag(request: SipRequest, header: string, tag: string): void {
  if (!hasTag(request, header, tag)) return;
  const left = request.texts(header).filter((listed) => listed.toLowerCase() !== tag);
  if (left.length === 0) request.remove(header);
  else request.set(header, left.join(", "));
}

export function addTag(request: SipRequest, header: string, tag: string): void {
  if (!hasTag(request, header, tag)) request.append(header, tag);
}
