// Subscriptions of a node at other nodes: joins the machine, the dialog, time and a sender. RFC 6665 §4.1.
import { tagOf } from "../dialog/dialog.ts";
import type { SipRequest } from "../message/message.ts";
import { ActiveSubscription } from "./active-subscription.ts";
import { eventOf } from "./event-headers.ts";
import { type EventRefusal, refusal, refusalResponse } from "./refusal.ts";
import type { IncomingRequest } from "./sender.ts";
import type {
  SubscriberAgent,
  SubscriberAgentOptions,
  SubscriberRecord,
  Subscription,
  SubscriptionHandlers,
  SubscriptionRequest,
} from "./subscriber-port.ts";

export type {
  SubscriberAgent,
  SubscriberAgentOptions,
  Subscription,
  SubscriptionRequest,
} from "./subscriber-port.ts";

export function createSubscriberAgent(options: SubscriberAgentOptions): SubscriberAgent {
  return new Subscriber(options);
}

class Subscriber implements SubscriberAgent {
  readonly #options: SubscriberAgentOptions;
  readonly #subscriptions = new Map<string, ActiveSubscription>();

  constructor(options: SubscriberAgentOptions) {
    this.#options = options;
  }

  subscribe(request: SubscriptionRequest, handlers: SubscriptionHandlers): Subscription {
    const { random } = this.#options;
    const subscription = this.#add(
      {
        id: random.hex(8),
        callId: random.hex(16),
        request,
        cseq: 0,
        route: [],
        dialog: null,
        state: { name: "init" },
      },
      handlers,
    );
    subscription.refresh(request.expires);
    return subscription;
  }

  restore(record: SubscriberRecord, handlers: SubscriptionHandlers): Subscription {
    const subscription = this.#add(record, handlers);
    subscription.resume();
    return subscription;
  }

  #add(record: SubscriberRecord, handlers: SubscriptionHandlers): ActiveSubscription {
    const gone = (): void => {
      this.#subscriptions.delete(record.id);
    };
    const subscription = new ActiveSubscription(this.#options, record, handlers, gone);
    this.#subscriptions.set(record.id, subscription);
    return subscription;
  }

  owns(notify: SipRequest): boolean {
    return this.#find(notify) !== undefined;
  }

  /** RFC 6665 §4.4.1: Call-ID, To tag, Event; then the From tag, once there is a dialog. */
  #find(notify: SipRequest): ActiveSubscription | undefined {
    const subscription = this.#subscriptions.get(tagOf(notify.to));
    return subscription?.isFor(notify) ? subscription : undefined;
  }

  handle(incoming: IncomingRequest): void {
    const refused = this.#serve(incoming);
    if (refused === undefined) return;
    const toTag = this.#options.random.hex(8);
    incoming.respond(refusalResponse(incoming.request, toTag, refused));
  }

  #serve(incoming: IncomingRequest): EventRefusal | undefined {
    const event = eventOf(incoming.request);
    if (event === undefined || !this.#options.packages.includes(event.package))
      return refusal(489, { headers: [["Allow-Events", this.#options.packages.join(", ")]] });
    const subscription = this.#find(incoming.request);
    return subscription === undefined ? refusal(481) : subscription.take(incoming);
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.forget();
  }
}
