// A SIP stack whose requests pass the faults of its UE, either way; whichever stack it is.

import type { UeFaultName } from "@ims-lab/common/admin-api/faults";
import { FaultyWay } from "@ims-lab/common/faults/message-faults";
import type {
  Destination,
  LocalAddress,
  RequestHandler,
  ResponseHandlers,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";
import type { TransactionList } from "@ims-lab/common/sip/transaction/view";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import type { SentRequest, Stack } from "../stack/stack.ts";
import { deviceFaults, type UeFaultTools, type UeSending } from "./device-faults.ts";

export class FaultyStack implements Stack {
  readonly #stack: Stack;
  readonly #tools: UeFaultTools;
  readonly #faults: ReturnType<typeof deviceFaults>;
  readonly #out: FaultyWay<UeFaultName, [sending: UeSending]>;

  constructor(stack: Stack, tools: UeFaultTools) {
    this.#stack = stack;
    this.#tools = tools;
    this.#faults = deviceFaults(tools);
    this.#out = new FaultyWay(
      tools.switches,
      this.#faults.sending,
      ({ request, to, handlers, sent }) => sent(stack.request(request, to, handlers)),
    );
  }

  get local(): readonly LocalAddress[] {
    return this.#stack.local;
  }

  get transactionList(): TransactionList | undefined {
    return this.#stack.transactionList;
  }

  get move(): (() => Promise<void>) | undefined {
    return this.#stack.move;
  }

  listen(handler: RequestHandler): Promise<void> {
    const way = new FaultyWay(this.#tools.switches, this.#faults.incoming, handler);
    return this.#stack.listen((incoming) => way.pass(incoming));
  }

  request(request: SipRequest, to: Destination, handlers: ResponseHandlers): SentRequest {
    if (this.#out.isBare) return this.#stack.request(request, to, handlers);
    let left: SentRequest | undefined;
    const sent = (as: SentRequest): void => {
      left = as;
    };
    this.#out.pass({ request, to, handlers, sent });
    return { cancel: () => left?.cancel(), abandon: () => left?.abandon() };
  }

  sendStateless(message: SipMessage, to: Destination): void {
    this.#stack.sendStateless(message, to);
  }

  onFlowClosed(listener: (flow: Flow) => void): void {
    this.#stack.onFlowClosed(listener);
  }

  close(): Promise<void> {
    return this.#stack.close();
  }
}
