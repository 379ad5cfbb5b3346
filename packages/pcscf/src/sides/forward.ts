// Passes a request on over the other side, and refuses what cannot go on. RFC 3261 §16.3, §16.6, §16.7.
import type {
  ClientTransaction,
  Destination,
  Incoming,
  RequestFailure,
} from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { ProxyCore } from "@ims-lab/common/sip/proxy/proxy";
import { type Relay, relay } from "@ims-lab/common/sip/proxy/relay";
import { countHop } from "@ims-lab/common/sip/proxy/validate";
import { type Problem, refusalOf } from "../outcomes.ts";
import type { CoreSender } from "./sides.ts";

export interface Onward {
  readonly endpoint: CoreSender;
  /** INVITEs can be cancelled and take long: they have a context of their own. */
  readonly calls: ProxyCore;
  /** A copy of the request that came, with its edits. */
  readonly request: SipRequest;
  readonly to: Destination;
  /** Edits an answer before it goes back. */
  answer(response: SipResponse): SipResponse;
  /** Takes the edited answer over, to send it later; absent: it goes back at once. Not for INVITE. */
  readonly hold?: ((response: SipResponse) => void) | undefined;
  /** The next hop is of no use. True: it is dealt with, nothing is answered here. */
  takeOver?(why: RequestFailure | "503"): boolean;
}

/** Asked for where the core does not say when to come back. */
export const RETRY_AFTER_SECONDS = "5";

/** Without state (RFC 3261 §8.2.7); nobody answers an ACK. */
export function refuse(incoming: Incoming, problem: Problem): void {
  if (incoming.request.method === "ACK") {
    incoming.drop();
    return;
  }
  const { status, ...options } = refusalOf(problem);
  incoming.refuse(status, options);
}

/** The client transaction, where there is a plain one (no ACK, no INVITE). */
export function forward(incoming: Incoming, onward: Onward): ClientTransaction | undefined {
  const { endpoint, request, to } = onward;
  countHop(request);
  if (request.method === "ACK") {
    endpoint.sendStateless(request, to); // of a 2xx: end to end (RFC 3261 §13.2.2.4)
    return undefined;
  }
  if (request.method === "INVITE") {
    call(incoming, onward);
    return undefined;
  }
  return relay(new OnwardRelay(incoming, onward));
}

class OnwardRelay implements Relay {
  readonly incoming: Incoming;
  readonly outgoing: SipRequest;
  readonly to: Destination;
  readonly sender: CoreSender;
  readonly #onward: Onward;

  constructor(incoming: Incoming, onward: Onward) {
    this.incoming = incoming;
    this.outgoing = onward.request;
    this.to = onward.to;
    this.sender = onward.endpoint;
    this.#onward = onward;
  }

  onResponse(response: SipResponse): SipResponse | undefined {
    const onward = this.#onward;
    const answer = onward.answer(masked503(this.incoming.request, response));
    if (onward.hold === undefined) return answer;
    onward.hold(answer);
    return undefined;
  }

  takeOver(why: RequestFailure | "503"): boolean {
    const onward = this.#onward;
    if (onward.takeOver?.(why)) return true;
    // RFC 4320 §4.2: silence is not answered (an INVITE gets its 408 from the proxy core).
    if (why === "503" || why === "timeout") return false;
    const { incoming } = this;
    const problem: Problem = why === "too-large" ? { kind: why } : unavailable();
    incoming.respond(onward.answer(answerTo(incoming.request, problem)));
    return true;
  }
}

function call(incoming: Incoming, { endpoint, calls, request, to, answer }: Onward): void {
  calls.forward({
    incoming,
    sender: endpoint,
    targets: [{ request, to, q: 1 }],
    answer,
    unavailable: (received) =>
      answerTo(incoming.request, unavailable(received?.text("Retry-After"))),
  });
}

/** RFC 3261 §16.7 step 6: passed on, a 503 would tell the UE that this node is overloaded. */
function masked503(asked: SipRequest, response: SipResponse): SipResponse {
  if (response.status !== 503) return response;
  return answerTo(asked, unavailable(response.text("Retry-After")));
}

function unavailable(retryAfter = RETRY_AFTER_SECONDS): Problem {
  return { kind: "core-unavailable", retryAfter };
}

export function answerTo(asked: SipRequest, problem: Problem): SipResponse {
  const { status, ...options } = refusalOf(problem);
  return newResponse(asked, status, options);
}
