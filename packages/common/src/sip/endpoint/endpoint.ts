// One side of a node: its transports, transactions and addresses (RFC 3261 §5, §8, §18).

import type { SipMessage, SipRequest } from "../message/message.ts";
import { type LayerOptions, TransactionLayer } from "../transaction/layer.ts";
import { timerValues } from "../transaction/timers.ts";
import type {
  ClientTransaction,
  Destination,
  RequestHandler,
  RequestOptions,
  RequestSender,
  ResponseHandlers,
} from "../transaction/user.ts";
import type { TransactionList, TransactionView } from "../transaction/view.ts";
import type { Flow, HostPort, TransportEvents, TransportName } from "../transport/transport.ts";
import { EndpointAddresses } from "./addresses.ts";
import { keepIntercepted, type Passage } from "./interceptors.ts";
import { NextHopLog } from "./next-hop-log.ts";
import type { EndpointOptions } from "./options.ts";
import { EndpointReceiver } from "./receive.ts";
import { EndpointSender } from "./send.ts";
import { StatelessAnswers } from "./stateless-answers.ts";
import { EndpointTransactionPort } from "./transaction-port.ts";
import { EndpointWire } from "./wire.ts";

export type {
  ClientTransaction,
  Destination,
  Incoming,
  Refusal,
  RefusalOptions,
  RequestFailure,
  RequestHandler,
  RequestSender,
  ResponseHandlers,
} from "../transaction/user.ts";
export type {
  AdvertiseRule,
  EndpointCounters,
  EndpointOptions,
} from "./options.ts";

export interface LocalAddress extends HostPort {
  readonly transport: TransportName;
}

export interface Endpoint extends RequestSender, TransactionList {
  readonly name: string;
  /** How many transactions there are; `pending`: servers without a final answer. */
  readonly transactions: {
    readonly servers: number;
    readonly clients: number;
    readonly pending: number;
  };
  /** Where it listens; real ports once `listen` has settled. */
  readonly local: readonly LocalAddress[];
  /** Binds every transport and starts to serve. Rejects with the system's error. */
  listen(handler: RequestHandler): Promise<void>;
  /** Sends without a transaction: the ACK of a 2xx, stateless forwarding. Requests get our Via. */
  sendStateless(message: SipMessage, to: Destination): void;
  /** What the peer at `remote` should use to reach us (Via, Contact, Record-Route, Path). */
  advertised(remote: HostPort, transport?: TransportName): HostPort;
  /** True for each address listened on or advertised. */
  isOwn(host: string, port: number): boolean;
  onFlowClosed(listener: (flow: Flow) => void): void;
  /** From now on new requests are answered 503 with Retry-After. */
  drain(): void;
  close(): Promise<void>;
}

/** Nothing is bound before `listen`. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  return new NodeEndpoint(options);
}

class NodeEndpoint implements Endpoint, TransportEvents {
  readonly name: string;
  readonly #options: EndpointOptions;
  readonly #addresses: EndpointAddresses;
  readonly #port: EndpointTransactionPort;
  readonly #layer: TransactionLayer;
  readonly #sender: EndpointSender;
  readonly #receiver: EndpointReceiver;
  #arrive!: Passage;
  readonly #flowClosed: ((flow: Flow) => void)[] = [];

  constructor(options: EndpointOptions) {
    this.name = options.name;
    this.#options = options;
    const { transports } = options;
    const wire = new EndpointWire(options);
    const answers = new StatelessAnswers(options, wire);
    const nextHops = new NextHopLog(options);
    const addresses = new EndpointAddresses(options.advertise ?? [], transports);
    this.#addresses = addresses;
    this.#port = new EndpointTransactionPort(options, wire, answers, nextHops);
    this.#layer = new TransactionLayer(layerOptions(options), this.#port);
    this.#sender = new EndpointSender(options, wire, addresses, this.#layer, nextHops);
    const receiver = new EndpointReceiver(options, wire, addresses, answers, this.#layer);
    this.#receiver = receiver;
    const last: Passage = (bytes, flow) => receiver.receive(bytes, flow);
    keepIntercepted(options, "in", last, (way) => {
      this.#arrive = way;
    });
  }

  get local(): readonly LocalAddress[] {
    return this.#options.transports.map(({ name, local }) => ({ transport: name, ...local }));
  }

  get transactions(): Endpoint["transactions"] {
    const { serverCount, clientCount, pendingCount } = this.#layer;
    return { servers: serverCount, clients: clientCount, pending: pendingCount };
  }

  listTransactions(offset: number, limit: number): readonly TransactionView[] {
    return this.#layer.list(offset, limit);
  }

  async listen(handler: RequestHandler): Promise<void> {
    this.#port.handler = handler;
    for (const transport of this.#options.transports) {
      await transport.listen(this);
      this.#addresses.refresh();
    }
  }

  request(
    request: SipRequest,
    to: Destination,
    handlers: ResponseHandlers,
    options?: RequestOptions,
  ): ClientTransaction {
    return this.#sender.request(request, to, handlers, options);
  }

  sendStateless(message: SipMessage, to: Destination): void {
    this.#sender.sendStateless(message, to);
  }

  advertised(remote: HostPort, transport?: TransportName): HostPort {
    return this.#addresses.advertised(remote, transport);
  }

  isOwn(host: string, port: number): boolean {
    return this.#addresses.isOwn(host, port);
  }

  onFlowClosed(listener: (flow: Flow) => void): void {
    this.#flowClosed.push(listener);
  }

  drain(): void {
    this.#port.isDraining = true;
  }

  async close(): Promise<void> {
    this.#layer.close();
    this.#receiver.close();
    await Promise.all(this.#options.transports.map((transport) => transport.close()));
  }

  onMessage(bytes: Buffer, flow: Flow): void {
    this.#arrive(bytes, flow);
  }

  onClosed(flow: Flow): void {
    for (const listener of this.#flowClosed) listener(flow);
  }

  onRejected(reason: string, flow: Flow): void {
    this.#receiver.rejected(reason, flow);
  }
}

function layerOptions(options: EndpointOptions): LayerOptions {
  const { clock, timers, random } = options;
  return {
    clock,
    timers: timerValues(timers),
    limits: {
      maxTransactions: options.maxTransactions ?? 500_000,
      maxTransactionBytes: options.maxTransactionBytes ?? 2 ** 29,
      maxPendingPerHolder: options.maxPendingPerHolder ?? Number.POSITIVE_INFINITY,
    },
    hashSeed: Number.parseInt(random.hex(4), 16),
  };
}
