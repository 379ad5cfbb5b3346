// One side of a node: its transports, transactions and addresses (RFC 3261 §5, §8, §18).
import type { EndpointOptions } from "./endpoint-options.ts";
import type { SipMessage } from "./message/message.ts";
import type { Destination, RequestHandler, RequestSender } from "./transaction/user.ts";
import type { Flow, HostPort, TransportName } from "./transport/transport.ts";

export type {
  AdvertiseRule,
  EndpointCounters,
  EndpointEvent,
  EndpointLog,
  EndpointOptions,
  Trace,
} from "./endpoint-options.ts";
export type {
  ClientTransaction,
  Destination,
  Incoming,
  Refusal,
  RefusalOptions,
  RequestFailure,
  RequestHandler,
  RequestOptions,
  RequestSender,
  ResponseHandlers,
} from "./transaction/user.ts";

export interface LocalAddress extends HostPort {
  readonly transport: TransportName;
}

export interface Endpoint extends RequestSender {
  readonly name: string;
  /** Where it listens; real ports once `listen` has settled. */
  readonly local: readonly LocalAddress[];
  /** Binds every transport and starts to serve. Rejects with the system's error. */
  listen(handler: RequestHandler): Promise<void>;
  /** Sends without a transaction: the ACK of a 2xx, stateless forwarding. Requests get our Via. */
  sendStateless(message: SipMessage, to: Destination): void;
  /** What the peer at `remote` should use to reach us (Via, Contact, Record-Route, Path). */
  advertised(remote: HostPort): HostPort;
  /** True for each address listened on or advertised. */
  isOwn(host: string, port: number): boolean;
  onFlowClosed(listener: (flow: Flow) => void): void;
  /** From now on new requests are answered 503 with Retry-After. */
  drain(): void;
  close(): Promise<void>;
}

export function createEndpoint(_options: EndpointOptions): Endpoint {
  throw new Error("not yet built");
}
