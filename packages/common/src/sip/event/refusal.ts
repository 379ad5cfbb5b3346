// Refusals of SUBSCRIBE and NOTIFY. RFC 6665 §4.1.3, §4.2.1.
import {
  newResponse,
  type ResponseOptions,
  type SipRequest,
  type SipResponse,
} from "../message/message.ts";

export interface EventRefusal {
  readonly kind: "refuse";
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

export function refusal(
  status: number,
  more: Omit<EventRefusal, "kind" | "status"> = {},
): EventRefusal {
  return { kind: "refuse", status, ...more };
}

export function refusalResponse(
  request: SipRequest,
  toTag: string,
  refusal: EventRefusal,
): SipResponse {
  const { status, reason, headers = [] } = refusal;
  const options: ResponseOptions = { toTag, headers };
  return newResponse(request, status, reason === undefined ? options : { ...options, reason });
}
