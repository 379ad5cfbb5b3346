// Port to a SIP stack: the part of an endpoint that a UE needs.
import type {
  Destination,
  LocalAddress,
  RequestHandler,
  ResponseHandlers,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import type { TransactionList } from "@ims-lab/common/sip/transaction/view";
import type { Flow } from "@ims-lab/common/sip/transport/transport";

export interface Stack {
  /** Where it listens; real ports once `listen` has settled. */
  readonly local: readonly LocalAddress[];
  listen(handler: RequestHandler): Promise<void>;
  request(request: SipRequest, to: Destination, handlers: ResponseHandlers): SentRequest;
  /** Sends without a transaction: the ACK of a 2xx. */
  sendStateless(message: SipMessage, to: Destination): void;
  onFlowClosed(listener: (flow: Flow) => void): void;
  close(): Promise<void>;
  /** Goes on from another port, and hears nothing at the old one; absent: this stack cannot. */
  readonly move?: (() => Promise<void>) | undefined;
  /** Absent: this stack does not tell. */
  readonly transactionList?: TransactionList | undefined;
}

export interface SentRequest {
  /** INVITE only: asks for its end, once a provisional response has come (RFC 3261 §9.1). */
  cancel(): void;
  /** No callback from now on. */
  abandon(): void;
}
