// INVITEs out of a dialog without a final response: whose registrations they rest on. TS 24.229 §5.4.5.1.
import { Groups } from "@ims-lab/common/platform/groups";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";

/** Whose bindings a call rests on, and how it ends without them. */
export interface EarlyDialog {
  readonly caller: string | undefined;
  /** Those that are still there. */
  readonly callees: Set<string>;
  end(): void;
  /** One of several callees has gone. */
  withdraw(token: string): void;
}

export class EarlyDialogs {
  readonly #calls = new Map<SipRequest, EarlyDialog>();
  readonly #byCallId = new Groups<string, SipRequest>();
  readonly #byToken = new Groups<string, SipRequest>();

  add(invite: SipRequest, beginning: EarlyDialog): void {
    this.#calls.set(invite, beginning);
    this.#byCallId.add(ownCopy(invite.callId), invite);
    for (const token of tokensOf(beginning)) this.#byToken.add(token, invite);
  }

  delete(invite: SipRequest): void {
    const beginning = this.#calls.get(invite);
    if (beginning === undefined) return;
    this.#calls.delete(invite);
    this.#byCallId.remove(invite.callId, invite);
    for (const token of tokensOf(beginning)) this.#byToken.remove(token, invite);
  }

  ofCallId(callId: string): readonly SipRequest[] {
    return this.#byCallId.of(callId);
  }

  /** The binding has gone: the calls that rest on it alone end, others lose a callee. Their number. */
  release(token: string): number {
    const invites = this.#byToken.of(token);
    for (const invite of invites) {
      const beginning = this.#calls.get(invite);
      this.#byToken.remove(token, invite);
      if (beginning !== undefined) this.#lose(invite, beginning, token);
    }
    return invites.length;
  }

  #lose(invite: SipRequest, beginning: EarlyDialog, token: string): void {
    beginning.callees.delete(token);
    if (beginning.caller !== token && beginning.callees.size > 0) {
      beginning.withdraw(token);
      return;
    }
    this.delete(invite);
    beginning.end();
  }
}

function tokensOf({ caller, callees }: EarlyDialog): readonly string[] {
  return caller === undefined ? [...callees] : [caller, ...callees];
}
