// Port of the event agents to a node's SIP side: send a request, answer one. RFC 3261 §17.
import type { SipRequest, SipResponse } from "../message/message.ts";

/** The transaction of a request. */
export interface Abandonable {
  /** From now on the request is not repeated, and nobody is told of an answer. */
  abandon(): void;
}

export interface SendHandlers {
  onResponse(response: SipResponse): void;
  /** "timeout" is Timer F; anything else is a transport failure (RFC 3261 §8.1.3.1: as a 503). */
  onFailure(why: string): void;
  /** It has left, by this transaction. */
  onStarted?(transaction: Abandonable): void;
}

/** Sends within a new client transaction; the node chooses the destination (see `nextHop`). */
export type SendRequest = (request: SipRequest, handlers: SendHandlers) => void;

/** The part of an endpoint's `Incoming` that the agents use. */
export interface IncomingRequest {
  readonly request: SipRequest;
  respond(response: SipResponse): void;
}
