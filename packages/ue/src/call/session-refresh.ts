// The session timer of one call as it runs: what was agreed upon, and the UPDATE that refreshes it. RFC 4028 §7, RFC 3311.
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { CallInput } from "./call-state.ts";
import type { LineHandlers } from "./line.ts";
import {
  type AgreedSession,
  type SessionAnswer,
  type SessionWish,
  secondsAfter422,
  sessionAgreed,
  sessionAnswer,
  sessionRequestHeaders,
} from "./session-timer.ts";

type Headers = readonly (readonly [string, string])[];

/** The call, as its session timer needs it. */
export interface RefreshedCall {
  apply(input: CallInput): void;
  /** Sends an UPDATE in the dialog; without one nothing. */
  update(headers: Headers, handlers: LineHandlers): void;
  /** §12.2.1.2 of RFC 3261: a 2xx may name another target. */
  renewTarget(response: SipResponse): void;
}

/** Each 422 may ask for more: a peer that always does would be called without end. */
const MOST_RAISES = 3;

export class SessionRefresh {
  readonly #call: RefreshedCall;
  readonly #ownSeconds: number;
  #wish: SessionWish;
  #raises = 0;
  /** Whether the other side says that it takes UPDATE. */
  #takesUpdate = false;

  constructor(call: RefreshedCall, ownSeconds: number) {
    this.#call = call;
    this.#ownSeconds = ownSeconds;
    this.#wish = { seconds: ownSeconds, minSeconds: undefined, here: undefined };
  }

  /** 422s that were met by a longer session so far. */
  get raises(): number {
    return this.#raises;
  }

  /** For our INVITE. */
  get headers(): Headers {
    return sessionRequestHeaders(this.#wish);
  }

  /** The 2xx's part for an INVITE or UPDATE that came; `agree` when it has been sent. */
  answer(request: SipRequest): SessionAnswer {
    this.#takesUpdate = allowsUpdate(request);
    return sessionAnswer(request, this.#ownSeconds);
  }

  agree({ seconds, here }: AgreedSession): void {
    this.#wish = { ...this.#wish, seconds, here };
    this.#call.apply({ kind: "session", seconds, here });
  }

  /** A 2xx to our INVITE. */
  accepted(response: SipResponse): void {
    this.#takesUpdate = allowsUpdate(response);
    this.agree(sessionAgreed(this.#wish, response));
  }

  /** §7.3: whether to ask again after this 422, for a longer session. */
  raise(response: SipResponse): boolean {
    const seconds = secondsAfter422(response, this.#wish.seconds);
    if (seconds === undefined || this.#raises >= MOST_RAISES) return false;
    this.#raises++;
    this.#wish = { ...this.#wish, seconds, minSeconds: seconds };
    return true;
  }

  /** §7.4: by UPDATE where the other side takes it. */
  refresh(): void {
    if (!this.#takesUpdate) {
      this.#call.apply({ kind: "re-offer" });
      return;
    }
    this.#wish = { ...this.#wish, here: true };
    this.#call.update(this.headers, {
      onResponse: (response) => this.#answered(response),
      onFailure: (why) => this.#call.apply({ kind: "refresh-failed", why }),
    });
  }

  #answered(response: SipResponse): void {
    const { status } = response;
    if (status < 200) return;
    if (status < 300) {
      this.#call.renewTarget(response);
      this.agree(sessionAgreed(this.#wish, response));
    }
    this.#takesUpdate = status !== 405 && status !== 501;
    if (!this.#takesUpdate || (status === 422 && this.raise(response))) this.refresh();
    else this.#call.apply({ kind: "refreshed", status });
  }
}

function allowsUpdate(message: SipRequest | SipResponse): boolean {
  return message.texts("Allow").includes("UPDATE");
}
