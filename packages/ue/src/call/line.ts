// What calls and messages need of their UE: identity, way out, time. TS 24.229 §5.1.2A, §5.1.3.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import { type Dialog, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { formatHost, isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Identity } from "../registration/register-request.ts";
import type { SentRequest } from "../stack/stack.ts";

export interface LineHandlers {
  onResponse(response: SipResponse): void;
  onFailure(why: string): void;
}

export interface Line {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity;
  /** Preloaded Route: the P-CSCF, then the Service-Route of the registration. */
  route(): readonly string[];
  send(request: SipRequest, handlers: LineHandlers): SentRequest;
  /** The ACK of a 2xx. */
  sendStateless(request: SipRequest): void;
}

export interface FirstRequest {
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
export function firstRequest(line: Line, method: string, first: FirstRequest): SipRequest {
  const from = first.from ?? line.identity.impu;
  return newRequest(
    method,
    first.to,
    [
      ...line.route().map((value) => ["Route", value] as const),
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
export function agentOf({ identity: { contactUri } }: Line): string {
  const uri = parseUri(contactUri);
  return isSip(uri) ? `${formatHost(uri.host)}:${uri.port ?? 5060}` : "ue.invalid";
}

/** RFC 3261 §13.2.2.4: within the dialog, with the CSeq number of its INVITE. */
export function ackIn(dialog: Dialog, cseq: number): SipRequest {
  return nextRequest({ ...dialog, localCseq: cseq - 1 }, "ACK").request;
}
