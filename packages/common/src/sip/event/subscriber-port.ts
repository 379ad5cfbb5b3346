// Port between a node and its subscriber agent. RFC 6665 §4.1.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { Dialog } from "../dialog/dialog.ts";
import type { SipRequest } from "../message/message.ts";
import type { IncomingRequest, SendRequest } from "./sender.ts";
import type { Ending, SubscriberState } from "./subscriber-state.ts";

export interface SubscriberAgentOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly send: SendRequest;
  /** Event packages this node may be notified of; NOTIFYs of others get 489. */
  readonly packages: readonly string[];
  /** RFC 6665 §4.1.2: 64*T1, milliseconds; 32 000 when absent. */
  readonly timerN?: number;
}

/** One subscription as asked for; plain data, so that a store can keep it. */
export interface SubscriptionRequest {
  /** Request-URI of the initial SUBSCRIBE. */
  readonly target: string;
  /** URIs of From and To, as they shall stand in the message. */
  readonly from: string;
  readonly to: string;
  /** Value of Contact. */
  readonly contact: string;
  /** Package, with its parameters if any: `reg`, `reg;id=7`. */
  readonly event: string;
  /** Seconds; 0 fetches the state once (RFC 6665 §4.4.3). */
  readonly expires: number;
  readonly accept: readonly string[];
  /** Route of the initial SUBSCRIBE, e.g. the Service-Route. */
  readonly route?: readonly string[];
  /** More header fields for every SUBSCRIBE: P-Preferred-Identity, P-Asserted-Identity … */
  readonly headers?: readonly (readonly [string, string])[];
}

export interface SubscriptionHandlers {
  /** Seconds after the grant at which to refresh; undefined: never. Default: 600 s before the end, or at half time up to 1200 s. */
  refreshAfter?(granted: number): number | undefined;
  /** Seconds that such a refresh asks for; absent: as many as the first SUBSCRIBE. */
  expires?(): number;
  /** Before the answer: a status to refuse the NOTIFY with, undefined to accept it. */
  judge?(notify: SipRequest): number | undefined;
  /** After the 200 to a NOTIFY was handed to the transaction. */
  onNotify(notify: SipRequest, subscription: Subscription): void;
  /** A SUBSCRIBE of this subscription got a 2xx; `granted` in seconds. */
  onGranted?(granted: number): void;
  /** A SUBSCRIBE of this subscription was refused with this status, whether that ends it or not. */
  onRefused?(status: number): void;
  /** The subscription is over; nothing of it is called any more. Re-subscribing is the caller's. */
  onEnded?(ending: Ending): void;
}

/** A subscription as plain data, for a store. */
export interface SubscriberRecord {
  readonly callId: string;
  /** The own tag: unique in this node. */
  readonly id: string;
  readonly request: SubscriptionRequest;
  /** CSeq of the last SUBSCRIBE outside a dialog. */
  readonly cseq: number;
  /** Route that the 2xx named, for notifiers whose NOTIFYs carry no Record-Route. */
  readonly route: readonly string[];
  readonly dialog: Dialog | null;
  readonly state: SubscriberState;
}

export interface Subscription {
  /** The own tag: unique in this node. */
  readonly id: string;
  readonly state: SubscriberState["name"];
  /** Milliseconds since the epoch; undefined until known. */
  readonly expiresAt: number | undefined;
  /** Sends a SUBSCRIBE in the dialog now (after the one under way, if any). Seconds. */
  refresh(expires?: number): void;
  /** SUBSCRIBE with Expires 0, as soon as there is a dialog. */
  unsubscribe(): void;
  /** Drops it without a message; a SUBSCRIBE under way is given up. */
  forget(): void;
  /** As of now; `restore` takes it back after a restart. */
  readonly record: SubscriberRecord;
}

export interface SubscriberAgent {
  subscribe(request: SubscriptionRequest, handlers: SubscriptionHandlers): Subscription;
  /** Takes one over from a store; a SUBSCRIBE that was under way counts as failed. */
  restore(record: SubscriberRecord, handlers: SubscriptionHandlers): Subscription;
  /** True when this NOTIFY belongs to one of its subscriptions. */
  owns(notify: SipRequest): boolean;
  /** Answers a NOTIFY: 200, 400, 415, 481, 489 or 500. */
  handle(incoming: IncomingRequest): void;
  /** Ends all timers; sends nothing. */
  close(): void;
}
