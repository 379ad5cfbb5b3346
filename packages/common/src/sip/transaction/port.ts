// The port between transactions and the endpoint around them.
import type { SipRequest, SipResponse } from "../message/message.ts";
import type { Flow, SendFailure } from "../transport/transport.ts";
import type { Incoming, RefusalOptions, RequestFailure } from "./user.ts";

/** A request as it came in, before it has a transaction. */
export interface ReceivedRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Where responses go: the request's flow, or over UDP the port that its Via asks for. */
  readonly replyFlow: Flow;
  readonly cancels?: Incoming | undefined;
}

/** A limit on transactions that another one would exceed. */
export type TransactionExcess = "transactions" | "transaction-bytes";

/** What transactions ask of the endpoint: the network below them, the user above them. */
export interface TransactionPort {
  /** A request or an ACK, to where it was sent first. */
  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void;
  /** A response; `response` is what to route by when the request's connection has gone. */
  reply(bytes: Buffer, flow: Flow, response?: SipResponse): void;
  /** What may be sent in answer to `request`: the whole, less, or nothing. */
  bounded(
    whole: Buffer,
    flow: Flow,
    request: SipRequest,
    response: SipResponse,
  ): Buffer | undefined;
  /** Answers without state (RFC 3261 §8.2.7). */
  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void;
  /** A value for a To tag that was left out (RFC 3261 §19.3). */
  newTag(): string;
  /** A request that would make a new transaction; false: it was refused instead. */
  admits(received: ReceivedRequest, excess: TransactionExcess | undefined): boolean;
  onRequest(incoming: Incoming): void;
  /** A message is about to be sent once more. */
  onRepeat(kind: "request" | "response"): void;
  /**
   * A request ends without a final response.
   * @param flow undefined when it never was sent
   * @param heard whether a provisional response has come: who was asked is there
   */
  onFailed(why: RequestFailure, flow: Flow | undefined, heard: boolean): void;
  /** Somebody has his share of the pending transactions already. */
  onShareUsedUp(): void;
}
