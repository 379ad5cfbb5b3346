// The dialog of one call, made by an INVITE or by its first 2xx: CSeq numbers, target, ACK. RFC 3261 §12, §13.2.2.4.
import {
  acceptRequest,
  acceptResponse,
  type Dialog,
  dialogAsUac,
  dialogAsUas,
  dialogWithoutContact,
  isInDialog,
  nextRequest,
} from "@ims-lab/common/sip/dialog/dialog";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ALLOW, SUPPORTED } from "../user-agent/capabilities.ts";
import type { UserAgent } from "../user-agent/user-agent.ts";

type Headers = readonly (readonly [string, string])[];

export class CallDialog {
  readonly callId: string;
  readonly localTag: string;
  readonly #userAgent: UserAgent;
  #dialog: Dialog | undefined;
  /** CSeq of the INVITE of ours whose 2xx came last; 0: none yet. */
  #acknowledged = 0;

  /** @param invite of the other side; absent: the first 2xx to our INVITE makes the dialog */
  constructor(userAgent: UserAgent, invite?: SipRequest) {
    this.#userAgent = userAgent;
    this.callId = invite?.callId ?? userAgent.random.hex(16);
    this.localTag = userAgent.random.hex(8);
    if (invite !== undefined) this.#dialog = dialogAsUas(invite, this.localTag);
  }

  get isEstablished(): boolean {
    return this.#dialog !== undefined;
  }

  owns(request: SipRequest): boolean {
    return this.#dialog !== undefined && isInDialog(this.#dialog, request);
  }

  /** §8.1.1.8, §13.2.1: in every INVITE and UPDATE, and in the 2xx to them. */
  get headers(): Headers {
    return [this.contact, ALLOW, SUPPORTED];
  }

  get contact(): readonly [string, string] {
    return ["Contact", `<${this.#userAgent.identity.contactUri}>`];
  }

  /** §12.2.2: counts a request that came, whatever becomes of it; false: it is out of order. */
  count(request: SipRequest): boolean {
    const dialog = this.#dialog;
    if (dialog === undefined || acceptRequest(dialog, request).kind === "out-of-order")
      return false;
    this.#dialog = { ...dialog, remoteCseq: request.cseq.number };
    return true;
  }

  /** §12.2.1.2, §12.2.2: the Contact of a request that is served, or of a 2xx, is the new target. */
  renewTarget(message: SipRequest | SipResponse): void {
    if (this.#dialog === undefined) return;
    if (message.kind === "response") {
      this.#dialog = acceptResponse(this.#dialog, message);
      return;
    }
    const accepted = acceptRequest(this.#dialog, message);
    if (accepted.kind === "accepted") this.#dialog = accepted.dialog;
  }

  /** The dialog's next request; undefined before there is a dialog. */
  next(method: string, headers: Headers = [], body?: Buffer): SipRequest | undefined {
    if (this.#dialog === undefined) return undefined;
    const { dialog, request } = nextRequest(this.#dialog, method, headers, body);
    this.#dialog = dialog;
    return request;
  }

  /**
   * Takes a 2xx to an INVITE of ours. `done`: it has come before, or from another branch, and has its ACK (and that
   * branch its BYE) by now; `unusable`: it names no target.
   */
  takeSuccess(invite: SipRequest, response: SipResponse): "new" | "unusable" | "done" {
    const before = this.#dialog;
    const made = dialogAsUac(invite, response);
    const dialog = made ?? dialogWithoutContact(invite, response);
    if (before !== undefined && before.remoteTag !== dialog.remoteTag) {
      this.#leaveBranch(dialog, invite);
      return "done";
    }
    this.#dialog = before === undefined ? dialog : acceptResponse(before, response);
    if (this.#acknowledged === invite.cseq.number) {
      this.acknowledge();
      return "done";
    }
    this.#acknowledged = invite.cseq.number;
    return before === undefined && made === undefined ? "unusable" : "new";
  }

  /** Sends the ACK of the 2xx that came last. */
  acknowledge(): void {
    if (this.#dialog !== undefined)
      this.#userAgent.sendStateless(ackIn(this.#dialog, this.#acknowledged));
  }

  /** §13.2.2.4: the INVITE was forked, and another branch has answered as well. */
  #leaveBranch(branch: Dialog, invite: SipRequest): void {
    this.#userAgent.sendStateless(ackIn(branch, invite.cseq.number));
    this.#userAgent.send(nextRequest(branch, "BYE").request, IGNORED);
  }
}

const IGNORED = { onResponse: () => undefined, onFailure: () => undefined };

/** §13.2.2.4: within the dialog, with the CSeq number of its INVITE. */
function ackIn(dialog: Dialog, cseq: number): SipRequest {
  return nextRequest({ ...dialog, localCseq: cseq - 1 }, "ACK").request;
}
