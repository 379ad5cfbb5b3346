// The flow of a REGISTER beside that of its binding. TS 24.229 §5.4.1.2.2, RFC 5626 §5.3.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { isProtected, type RegisterOrigin } from "../origin.ts";
import { samePath } from "../registration/address.ts";
import type { Binding } from "../registration/binding.ts";

/**
 * Whether a request comes from the device that holds the binding. Where no peer vouches for it,
 * knowing the binding's Call-ID must do, which nobody off the path does.
 */
export function isOwnFlow(origin: RegisterOrigin, binding: Binding, request: SipRequest): boolean {
  const { address } = binding;
  if (!origin.trusted) return address.path.length === 0 && address.source === origin.source;
  if (!samePath(address.path, origin.path)) return false;
  if (isProtected(origin)) return true;
  if (origin.integrity !== undefined) return false;
  return isContinued(binding, request);
}

/** Whether it goes on in the row of the device's REGISTERs: nobody off the path knows their Call-ID (RFC 3261 §10.2.4). */
export function isContinued({ callId, cseq }: Binding, request: SipRequest): boolean {
  return request.callId === callId && request.cseq.number > cseq;
}

/** Whether nobody else can have written into it: TLS or IPsec by its peer's word, or a connection to here. */
export function isSecuredFlow({
  trusted,
  mayAssert,
  integrity,
  isConnected,
}: RegisterOrigin): boolean {
  if (!trusted) return isConnected;
  return integrity === "tls-yes" || (integrity === "yes" && mayAssert);
}

/**
 * Whether it shows beyond a source address, which anybody can write into a datagram, that a request
 * comes from the device that holds the binding.
 */
export function isProvenFlow(origin: RegisterOrigin, { address }: Binding): boolean {
  if (origin.trusted) return isProtected(origin) && samePath(address.path, origin.path);
  return origin.isConnected && address.path.length === 0 && address.source === origin.source;
}
