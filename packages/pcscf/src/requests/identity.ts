// The identity of the binding that a request asserts. TS 24.229 §5.2.6.3.2, RFC 3325 §9.
import { PPreferredIdentity } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Binding } from "../bindings/binding.ts";

/**
 * The registered identities the UE prefers, at most one SIP and one tel URI; without any of them the
 * default IMPU. From plays no part.
 */
export function assertedIdentities(request: SipRequest, binding: Binding): readonly string[] {
  const preferred = new Set(request.all(PPreferredIdentity).map(({ uri }) => aorOf(uri)));
  const chosen = binding.impus.filter((impu) => {
    const uri = parseUri(impu);
    return uri !== undefined && preferred.has(aorOf(uri));
  });
  const sip = chosen.find((impu) => !isTel(impu));
  const tel = chosen.find(isTel);
  const asserted = [sip, tel].filter((impu) => impu !== undefined);
  return asserted.length > 0 ? asserted : binding.impus.slice(0, 1);
}

/** TS 24.229 §5.2.6.4.3: who answers is whom the network has called, whatever the UE says. */
export function assertCalled(
  asked: SipRequest,
  response: SipResponse,
  { impus: [defaultImpu = ""] }: Binding,
): SipResponse {
  const { status } = response;
  if (asked.to.params.has("tag") || status <= 100 || status >= 300) return response;
  return response.set("P-Asserted-Identity", asked.text("P-Called-Party-ID") ?? `<${defaultImpu}>`);
}

function isTel(impu: string): boolean {
  return impu.slice(0, 4).toLowerCase() === "tel:";
}
