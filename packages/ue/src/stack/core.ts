// Stack of this project's own: an endpoint with one transport, kept alive. RFC 5626 §4.4.1.
import type { Timer } from "@ims-lab/common/platform/clock";
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
import { PING } from "@ims-lab/common/sip/transport/keep-alive";
import type { Flow, Transport } from "@ims-lab/common/sip/transport/transport";
import type { SentRequest, Stack } from "./stack.ts";

export interface CoreStackOptions extends Omit<EndpointOptions, "transports"> {
  readonly transport: Transport;
  /** Has the transport go on from another port; absent: it cannot. */
  readonly move?: () => Promise<void>;
}

/** RFC 5626 §4.4.1: between 95 s and 120 s, at random; of no use on UDP without a NAT. */
const KEEP_ALIVE_SECONDS = { least: 95, span: 25 };

export class CoreStack implements Stack {
  readonly #options: CoreStackOptions;
  readonly #endpoint: Endpoint;
  readonly #closedListeners: ((flow: Flow) => void)[] = [];
  /** The connection to the P-CSCF. */
  #flow: Flow | undefined;
  /** Where requests without a flow go: a connection there is the next `#flow`. */
  #towards: { readonly host: string; readonly port: number } | undefined;
  #keepAlive: Timer | undefined;

  constructor(options: CoreStackOptions) {
    this.#options = options;
    const { transport, move: _, ...rest } = options;
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
    return this.#endpoint.listen(handler);
  }

  request(request: SipRequest, to: Destination, handlers: ResponseHandlers): SentRequest {
    // A new connection may end before anything has come over it.
    if (!("flow" in to)) this.#towards = to;
    return this.#endpoint.request(request, to, {
      onResponse: (response, flow) => {
        this.#keep(flow);
        handlers.onResponse(response, flow);
      },
      onFailure: (why) => handlers.onFailure(why),
    });
  }

  sendStateless(message: SipMessage, to: Destination): void {
    this.#endpoint.sendStateless(message, to);
  }

  onFlowClosed(listener: (flow: Flow) => void): void {
    this.#closedListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#keepAlive?.cancel();
    this.#flow = undefined;
    this.#towards = undefined;
    await this.#endpoint.close();
  }

  #keep(flow: Flow): void {
    if (flow.id === this.#flow?.id || !this.#options.transport.reliable) return;
    if (!this.#leadsToProxy(flow)) return;
    this.#flow = flow;
    this.#ping(flow);
  }

  #ping(flow: Flow): void {
    const { clock, random, transport } = this.#options;
    const seconds = KEEP_ALIVE_SECONDS.least + KEEP_ALIVE_SECONDS.span * random.fraction();
    this.#keepAlive?.cancel();
    this.#keepAlive = clock.after(seconds * 1000, () => {
      transport.send(PING, flow);
      this.#ping(flow);
    });
  }

  /** Not one that the P-CSCF opened to give a late answer (RFC 3261 §18.2.2). */
  #leadsToProxy({ remote }: Flow): boolean {
    const towards = this.#towards;
    if (towards?.port !== remote.port) return false;
    return towards.host === remote.host || !isIp(towards.host);
  }

  /** Only the connection the UE is reached over matters (RFC 5626 §4.5). */
  #onClosed(flow: Flow): void {
    const isOurs = this.#flow === undefined ? this.#leadsToProxy(flow) : flow.id === this.#flow.id;
    if (!isOurs) return;
    this.#flow = undefined;
    this.#keepAlive?.cancel();
    for (const listener of this.#closedListeners) listener(flow);
  }
}
