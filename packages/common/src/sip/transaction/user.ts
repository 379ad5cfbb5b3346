// Port between transactions and their user (TU): RFC 3261 §5, §8, §17.
import type { SipRequest, SipResponse } from "../message/message.ts";
import type { Flow, SendFailure, TransportName } from "../transport/transport.ts";

/** Where a request goes: an address or name (host names are resolved), or the path a peer came by. */
export type Destination = NamedDestination | { readonly flow: Flow };

export interface NamedDestination {
  readonly host: string;
  readonly port: number;
  readonly transport?: TransportName;
  /** Its URI named no port: RFC 3263 asks NAPTR and SRV records first, `port` is the default. */
  readonly byService?: boolean;
  /** Which of a name's addresses may be used; where none may, the name counts as unresolved. */
  readonly only?: (address: { readonly host: string; readonly port: number }) => boolean;
}

/** How a request is refused: a status and what the answer carries. */
export interface Refusal extends RefusalOptions {
  readonly status: number;
}

export interface RefusalOptions {
  readonly reason?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** One received request and its server transaction. */
export interface Incoming {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** For a CANCEL: the INVITE it cancels, when that is known here (RFC 3261 §9.2). */
  readonly cancels?: Incoming | undefined;
  /**
   * Counts it as this holder's until its final answer. False: he has his share pending already,
   * and it is the caller's to refuse. Absent where nobody shares.
   */
  claim?(holder: string): boolean;
  /** Answers through the server transaction; ignored when it has ended or has its final answer. */
  respond(response: SipResponse): void;
  /** Answers without state (RFC 3261 §8.2.7); only synchronously in the handler. */
  refuse(status: number, options?: RefusalOptions): void;
  /** No answer at all, nothing kept. */
  drop(): void;
}

/** ACKs that belong to no INVITE transaction come here too; `respond` does nothing for them. */
export type RequestHandler = (incoming: Incoming) => void;

/** `timeout`: Timer B or F, or no connection in time. `unresolved`: the host name has no address. */
export type RequestFailure = "timeout" | "unresolved" | SendFailure;

export interface ResponseHandlers {
  /** Provisional and final responses, from now on the handler's own; several 2xx are possible for INVITE (RFC 6026). */
  onResponse(response: SipResponse, flow: Flow): void;
  /** Called at most once, instead of a final response. */
  onFailure(why: RequestFailure): void;
}

export interface ClientTransaction {
  readonly branch: string;
  /**
   * INVITE only: asks for its end, once a provisional response has come (RFC 3261 §9.1).
   * @param reasons values of Reason (RFC 3326)
   */
  cancel(reasons?: readonly string[]): void;
  /** Forgets the transaction: no retransmission and no callback from now on. */
  abandon(): void;
}

export interface RequestOptions {
  /** Added to the random branch after a dot, for loop detection (RFC 5393 §4.2). */
  readonly branchTail?: string;
}

/** The part of an endpoint that sends requests of its user. */
export interface RequestSender {
  request(
    request: SipRequest,
    to: Destination,
    handlers: ResponseHandlers,
    options?: RequestOptions,
  ): ClientTransaction;
}
