// Session timer of one call: what was negotiated, and the UPDATE that refreshes it. RFC 4028 §7, RFC 3311.
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { UserAgent } from "../user-agent/user-agent.ts";
import type { CallDialog } from "./call-dialog.ts";
import type { CallInput } from "./call-state.ts";
import {
  type AgreedSession,
  type SessionAnswer,
  type SessionProposal,
  secondsAfter422,
  sessionAgreed,
  sessionAnswer,
  sessionRequestHeaders,
} from "./session-timer.ts";

type Headers = readonly (readonly [string, string])[];

/** The parts of a call that its session timer acts on. */
export interface RefreshedCall {
  readonly dialog: CallDialog;
  readonly userAgent: UserAgent;
  apply(input: CallInput): void;
}

/** Each 422 may ask for more: a peer that always does would be called without end. */
const MOST_RAISES = 3;

export class SessionRefresh {
  readonly #call: RefreshedCall;
  readonly #ownSeconds: number;
  #proposal: SessionProposal;
  #raises = 0;
  /** Whether the other side has UPDATE in Allow. */
  #takesUpdate = false;

  constructor(call: RefreshedCall, ownSeconds: number) {
    this.#call = call;
    this.#ownSeconds = ownSeconds;
    this.#proposal = { seconds: ownSeconds, minSeconds: undefined, here: undefined };
  }

  /** 422s that were met by a longer session so far. */
  get raises(): number {
    return this.#raises;
  }

  /** For our INVITE. */
  get headers(): Headers {
    return sessionRequestHeaders(this.#proposal);
  }

  /** The 2xx's part for an INVITE or UPDATE that came; `agree` when it has been sent. */
  answer(request: SipRequest): SessionAnswer {
    this.#takesUpdate = allowsUpdate(request);
    return sessionAnswer(request, this.#ownSeconds);
  }

  agree({ seconds, here }: AgreedSession): void {
    this.#proposal = { ...this.#proposal, seconds, here };
    this.#call.apply({ kind: "session", seconds, here });
  }

  /** A 2xx to our INVITE. */
  accepted(response: SipResponse): void {
    this.#takesUpdate = allowsUpdate(response);
    this.agree(sessionAgreed(this.#proposal, response));
  }

  /** §7.3: whether to ask again after this 422, for a longer session. */
  raise(response: SipResponse): boolean {
    const seconds = secondsAfter422(response, this.#proposal.seconds);
    if (seconds === undefined || this.#raises >= MOST_RAISES) return false;
    this.#raises++;
    this.#proposal = { ...this.#proposal, seconds, minSeconds: seconds };
    return true;
  }

  /** §7.4: by UPDATE where the other side takes it. */
  refresh(): void {
    if (!this.#takesUpdate) {
      this.#call.apply({ kind: "re-offer" });
      return;
    }
    this.#proposal = { ...this.#proposal, here: true };
    const { dialog, userAgent } = this.#call;
    const update = dialog.next("UPDATE", [...dialog.headers, ...this.headers]);
    if (update === undefined) return;
    userAgent.send(update, {
      onResponse: (response) => this.#answered(response),
      onFailure: (why) => this.#call.apply({ kind: "refresh-failed", why }),
    });
  }

  #answered(response: SipResponse): void {
    const { status } = response;
    if (status < 200) return;
    if (status < 300) {
      this.#call.dialog.renewTarget(response);
      this.agree(sessionAgreed(this.#proposal, response));
    }
    this.#takesUpdate = status !== 405 && status !== 501;
    if (!this.#takesUpdate || (status === 422 && this.raise(response))) this.refresh();
    else this.#call.apply({ kind: "refreshed", status });
  }
}

function allowsUpdate(message: SipRequest | SipResponse): boolean {
  return message.texts("Allow").includes("UPDATE");
}
