// Stack of this project's own: an endpoint with one transport, its connection kept alive. RFC 5626 §4.4.1.
import { isIp } from "@ims-lab/common/platform/ip-address";
import {
  createEndpoint,
  type Destination,
  type Endpoint,
  type EndpointOptions,
  type LocalAddress,
  type RequestHandler,
  type ResponseHandlers,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import type { TransactionList } from "@ims-lab/common/sip/transaction/view";
import type { Flow, Transport } from "@ims-lab/common/sip/transport/transport";
import { FlowKeepAlive, type PongRule } from "./flow-keep-alive.ts";
import type { SentRequest, Stack } from "./stack.ts";

export interface CoreStackOptions extends Omit<EndpointOptions, "transports"> {
  readonly transport: Transport;
  /** Has the transport go on from another port; absent: it cannot. */
  readonly move?: () => Promise<void>;
  /** When a connection is given up whose keep-alive nobody answers; absent: `learn`. */
  readonly pongs?: PongRule;
}

export class CoreStack implements Stack {
  readonly #options: CoreStackOptions;
  readonly #endpoint: Endpoint;
  readonly #closedListeners: ((flow: Flow) => void)[] = [];
  /** The connection to the P-CSCF. */
  #flow: Flow | undefined;
  /** When something came over it last, milliseconds since the epoch. */
  #heardAt = 0;
  /** Where requests without a flow go: a connection there is the next `#flow`. */
  #towards: { readonly host: string; readonly port: number } | undefined;
  readonly #keepAlive: FlowKeepAlive;
  /** Id of the flow that was given up without a word. */
  #silent: string | undefined;

  constructor(options: CoreStackOptions) {
    this.#options = options;
    const { transport, move: _, pongs = "learn", ...rest } = options;
    this.#keepAlive = new FlowKeepAlive({ ...rest, transport, pongs });
    this.#endpoint = createEndpoint({
      ...rest,
      transports: [transport],
      settingOf: () => "pcscf",
    });
    this.#endpoint.onFlowClosed((flow) => this.#onClosed(flow));
  }

  get transactionList(): TransactionList {
    return this.#endpoint;
  }

  get move(): (() => Promise<void>) | undefined {
    return this.#options.move;
  }

  get local(): readonly LocalAddress[] {
    return this.#endpoint.local;
  }

  listen(handler: RequestHandler): Promise<void> {
    return this.#endpoint.listen((incoming) => {
      this.#heard(incoming.flow);
      handler(incoming);
    });
  }

  request(request: SipRequest, to: Destination, handlers: ResponseHandlers): SentRequest {
    // A new connection may end before anything has come over it.
    if (!("flow" in to)) this.#towards = to;
    const sentAt = this.#options.clock.now();
    return this.#endpoint.request(request, to, {
      onResponse: (response, flow) => {
        this.#keep(flow);
        this.#heard(flow);
        handlers.onResponse(response, flow);
      },
      onFailure: (why) => {
        if (why === "timeout" && request.method === "REGISTER") this.#giveUpIfSilent(sentAt);
        handlers.onFailure(why);
      },
    });
  }

  sendStateless(message: SipMessage, to: Destination): void {
    this.#endpoint.sendStateless(message, to);
  }

  onFlowClosed(listener: (flow: Flow) => void): void {
    this.#closedListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#keepAlive.stop();
    this.#flow = undefined;
    this.#towards = undefined;
    await this.#endpoint.close();
  }

  #keep(flow: Flow): void {
    if (flow.id === this.#flow?.id || !this.#options.transport.reliable) return;
    if (!this.#leadsToProxy(flow)) return;
    this.#flow = flow;
    this.#keepAlive.start(flow);
  }

  #heard(flow: Flow): void {
    if (flow.id === this.#flow?.id) this.#heardAt = this.#options.clock.now();
  }

  /** Nothing has come since this REGISTER, not even a 100 or 504: the next one goes over a new connection. */
  #giveUpIfSilent(sentAt: number): void {
    const flow = this.#flow;
    if (flow === undefined || this.#heardAt > sentAt) return;
    this.#keepAlive.stop();
    // Whoever sent it knows that it has failed, and tries again in its own time.
    this.#flow = undefined;
    this.#silent = flow.id;
    this.#options.transport.giveUp?.(flow);
  }

  /** Not one that the P-CSCF opened to give a late answer (RFC 3261 §18.2.2). */
  #leadsToProxy({ remote }: Flow): boolean {
    const towards = this.#towards;
    if (towards?.port !== remote.port) return false;
    return towards.host === remote.host || !isIp(towards.host);
  }

  /** Only the connection the UE is reached over matters (RFC 5626 §4.5). */
  #onClosed(flow: Flow): void {
    if (flow.id === this.#silent) return;
    const isOurs = this.#flow === undefined ? this.#leadsToProxy(flow) : flow.id === this.#flow.id;
    if (!isOurs) return;
    this.#flow = undefined;
    this.#keepAlive.stop();
    for (const listener of this.#closedListeners) listener(flow);
  }
}
