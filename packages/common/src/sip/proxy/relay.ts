// One request to one next hop and its responses back: RFC 3261 §16.6-16.9, RFC 4320, RFC 6026.
import { newResponse, type SipRequest, type SipResponse } from "../message/message.ts";
import type {
  ClientTransaction,
  Destination,
  Incoming,
  RequestFailure,
  RequestSender,
  ResponseHandlers,
} from "../transaction/user.ts";
import { loopTail } from "./loop.ts";

type Flow = Incoming["flow"];

export interface Relay {
  readonly incoming: Incoming;
  /** What goes out: a clone of the request that came, edited; the sender puts our Via on it. */
  readonly outgoing: SipRequest;
  readonly to: Destination;
  readonly sender: RequestSender;
  /**
   * Sees each response but 100 before it goes back, our Via taken off already; it may be edited.
   * Undefined: do not forward it.
   */
  onResponse?(response: SipResponse, flow: Flow): SipResponse | undefined;
  /** The next hop is of no use (no answer, not reachable, 503). True: this was dealt with elsewhere. */
  takeOver?(why: RequestFailure | "503"): boolean;
  /** §16.7 item 6: a 503 would say that this proxy is overloaded. Default `as-500`. */
  readonly unavailable?: "as-500" | "as-503";
}

/** Forwards statefully. Responses, failures and silence go back through `incoming`. */
export function relay(job: Relay): ClientTransaction {
  const { incoming, outgoing, to, sender } = job;
  // RFC 3261 §16.2: a 100 for INVITE; RFC 4320 §4.1: for the others the transaction sends it when due.
  if (incoming.request.method === "INVITE") answer(incoming, 100);
  return sender.request(outgoing, to, new BackRelay(job), {
    branchTail: loopTail(incoming.request),
  });
}

class BackRelay implements ResponseHandlers {
  readonly #job: Relay;

  constructor(job: Relay) {
    this.#job = job;
  }

  onResponse(received: SipResponse, flow: Flow): void {
    if (received.status === 100) return; // §16.7 item 5: hop by hop
    if (received.status === 503) {
      if (this.#job.takeOver?.("503")) return;
    }
    const response = received.withOwnLength();
    response.pop("Via");
    if (!response.has("Via")) return; // §16.7 item 3: it was meant for us
    const job = this.#job;
    const forwarded = job.onResponse === undefined ? response : job.onResponse(response, flow);
    if (forwarded === undefined) return;
    if (forwarded.status === 503) this.#answerUnavailable(forwarded);
    else job.incoming.respond(forwarded);
  }

  onFailure(why: RequestFailure): void {
    const { incoming } = this.#job;
    if (this.#job.takeOver?.(why)) return;
    if (why !== "timeout")
      this.#answerUnavailable(undefined); // §16.9: as if a 503 had come
    else if (incoming.request.method === "INVITE") answer(incoming, 408); // §16.8
    // RFC 4320 §4.2: a non-INVITE request that timed out is not answered at all.
  }

  #answerUnavailable(received: SipResponse | undefined): void {
    const { incoming, unavailable = "as-500" } = this.#job;
    if (unavailable === "as-500") answer(incoming, 500);
    else if (received === undefined) answer(incoming, 503);
    else incoming.respond(received);
  }
}

function answer(incoming: Incoming, status: number): void {
  incoming.respond(newResponse(incoming.request, status));
}
