// The user agent that calls, messages and the registration check send by: identity, preloaded Route, clock. RFC 3261 §8.1; TS 24.229 §5.1.2A.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { formatHost, isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import type { SentRequest } from "../stack/stack.ts";
import type { Identity } from "./identity.ts";

export interface ResponseCallbacks {
  onResponse(response: SipResponse): void;
  onFailure(why: string): void;
}

export interface UserAgent {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity;
  /** Preloaded Route: the P-CSCF, then the Service-Route of the registration. */
  route(): readonly string[];
  send(request: SipRequest, handlers: ResponseCallbacks): SentRequest;
  /** The ACK of a 2xx. */
  sendStateless(request: SipRequest): void;
}

export interface RequestOutsideDialog {
  readonly callId: string;
  readonly fromTag: string;
  /** 1 where absent. */
  readonly cseq?: number;
  readonly to: string;
  /** In whose name; absent: the UE's own IMPU. */
  readonly from?: string | undefined;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Buffer;
}

/** A request out of a dialog. */
export function requestOutsideDialog(
  userAgent: UserAgent,
  method: string,
  first: RequestOutsideDialog,
): SipRequest {
  const from = first.from ?? userAgent.identity.impu;
  return newRequest(
    method,
    first.to,
    [
      ...userAgent.route().map((value) => ["Route", value] as const),
      ["Max-Forwards", "70"],
      ["From", `<${from}>;tag=${first.fromTag}`],
      ["To", `<${first.to}>`],
      ["Call-ID", first.callId],
      ["CSeq", `${first.cseq ?? 1} ${method}`],
      ["P-Preferred-Identity", `<${from}>`],
      ...(first.headers ?? []),
    ],
    first.body,
  );
}

/** RFC 3261 §20.43: who warns, as `host:port`. */
export function warnAgentOf({ identity: { contactUri } }: UserAgent): string {
  const uri = parseUri(contactUri);
  return isSip(uri) ? `${formatHost(uri.host)}:${uri.port ?? 5060}` : "ue.invalid";
}
