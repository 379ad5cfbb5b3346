// The REGISTER a UE sends. TS 24.229 §5.1.1.2, RFC 3261 §10.2, RFC 3327.
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { registrarUri } from "../user-agent/addresses.ts";
import type { Identity } from "../user-agent/identity.ts";
import type { Order } from "./state.ts";

export interface RegisterOptions {
  readonly order: Order;
  readonly expiresSeconds: number;
  readonly authorization: string | undefined;
  readonly fromTag: string;
}

/** Value of Contact; the same in every request of this UE. */
function contactOf(identity: Identity): string {
  const { contactUri, instance } = identity;
  return instance === undefined
    ? `<${contactUri}>`
    : `<${contactUri}>;+sip.instance="<${instance}>"`;
}

export function registerRequest(identity: Identity, options: RegisterOptions): SipRequest {
  const { order, expiresSeconds, authorization } = options;
  return newRequest("REGISTER", registrarUri(identity.impu, identity.domain), [
    ["Max-Forwards", "70"],
    ["From", `<${identity.impu}>;tag=${options.fromTag}`],
    ["To", `<${identity.impu}>`],
    ["Call-ID", order.callId],
    ["CSeq", `${order.cseq} REGISTER`],
    ["Contact", contactOf(identity)],
    ["Expires", String(expiresSeconds)],
    ["Supported", "path"],
    ...(authorization === undefined ? [] : [["Authorization", authorization] as const]),
  ]);
}
