// The REGISTER a UE sends. TS 24.229 §5.1.1.2, RFC 3261 §10.2, RFC 3327.
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { registrarUri } from "../addresses.ts";
import type { Order } from "./state.ts";

/** Who registers, and from where. */
export interface Identity {
  readonly impi: string;
  /** The identity that is registered; others come with it (implicit set). */
  readonly impu: string;
  /** Home domain: Request-URI and realm. */
  readonly domain: string;
  /** URI of Contact: where this UE is reached. */
  readonly contactUri: string;
  /** URN of this device, equal after a restart (RFC 5626 §4.1); undefined: not sent. */
  readonly instance: string | undefined;
}

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
