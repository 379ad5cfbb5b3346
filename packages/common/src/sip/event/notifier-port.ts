// Port between a node and its notifier agent. RFC 6665 §4.2.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { SipRequest } from "../message/message.ts";
import type { SubscriptionEnd } from "./notifier.ts";
import type { EventRefusal } from "./refusal.ts";
import type { IncomingRequest, SendRequest } from "./sender.ts";
import type { NotifierSubscription } from "./subscription.ts";

/** What the node says to a SUBSCRIBE, initial or refresh. */
export type SubscribeVerdict =
  | {
      readonly kind: "grant";
      /** Seconds for Expires of the 200; 0 answers a fetch or an unsubscribe. See `grantExpires`. */
      readonly expires: number;
      /** What is watched, e.g. a registration id; `ofSubject` finds by it. Kept on refresh. */
      readonly subject: string;
      /** Free text kept with the subscription, e.g. a binding id. */
      readonly memo?: string;
      /** Default "active". */
      readonly state?: "active" | "pending";
      /** Value of the 200's and the NOTIFYs' Contact; default the agent's. */
      readonly contact?: string;
    }
  | EventRefusal;

export interface NotifyBody {
  readonly contentType: string;
  readonly body: Buffer;
  /** The NOTIFY with it has left for the first time, `at` milliseconds since the epoch. */
  readonly onSent?: (at: number) => void;
}

export interface Rendering {
  /** RFC 3680 §5.2: 0 in the first NOTIFY of a subscription, then one more each. */
  readonly version: number;
  /** The body must be the whole state: caused by a SUBSCRIBE, or several changes in one NOTIFY. */
  readonly full: boolean;
}

export type NotifyOutcome =
  | { readonly kind: "acknowledged"; readonly status: number }
  /** `retryAfter`: seconds, as the answer asks. */
  | { readonly kind: "failed"; readonly status: number; readonly retryAfter?: number }
  /** `isHopThere`: the next hop has said 100, so that it is someone behind it who is silent. */
  | { readonly kind: "timeout"; readonly isHopThere?: boolean }
  | { readonly kind: "unsent"; readonly why: string }; // transport failure, or ended before its turn

export interface NotifyRequest {
  /** Overrides the agent's `render` for this NOTIFY. */
  readonly render?: (subscription: NotifierSubscription, rendering: Rendering) => NotifyBody;
  /** The first transmission left at `at` (milliseconds since the epoch). */
  readonly onSent?: (at: number) => void;
  readonly onOutcome?: (outcome: NotifyOutcome) => void;
  /** Durable already, if the subscription is still as it was then. */
  readonly foreseen?: Foreseen | undefined;
}

export interface NotifierAgentOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly send: SendRequest;
  /** Event packages served and the content type of each; others get 489, other Accepts 406. */
  readonly packages: ReadonlyMap<string, string>;
  /** Contact of 200s and NOTIFYs unless the verdict names one. */
  readonly contact: string;
  decide(request: SipRequest, existing: NotifierSubscription | undefined): SubscribeVerdict;
  render(subscription: NotifierSubscription, rendering: Rendering): NotifyBody;
  /** A SUBSCRIBE was granted (the 200 has been handed over); not called for a fetch or unsubscribe. */
  onSubscribed?(subscription: NotifierSubscription, initial: boolean): void;
  /** A SUBSCRIBE that was refused without asking `decide`; `why` for the log. */
  onRefused?(request: SipRequest, status: number, why: string): void;
  /** What became of a NOTIFY. */
  onOutcome?(subscription: NotifierSubscription, outcome: NotifyOutcome): void;
  /** No longer live: expired, unsubscribed, terminated, NOTIFY failed. */
  onEnded?(subscription: NotifierSubscription, end: SubscriptionEnd): void;
  /**
   * A subscription must be durable as it is now before `proceed` is called. With a problem when it is not, where a
   * SUBSCRIBE is answered: it gets 500 and has changed nothing. A NOTIFY waits until it is durable, however long that
   * takes: otherwise its CSeq and version would come again after a crash (RFC 3261 §12.2.1.1).
   */
  save?(change: SubscriptionChange, proceed: (problem?: Error) => void): void;
}

export interface SubscriptionChange {
  readonly subscription: NotifierSubscription;
  /**
   * `begun`, `refreshed`: a SUBSCRIBE is granted, and `onSubscribed` follows. `ended`: it was live and is not any more, and
   * `onEnded` follows.
   */
  readonly kind: "begun" | "refreshed" | "ended" | "other";
  /** A SUBSCRIBE is answered with it. */
  readonly isAwaited: boolean;
}

/** What asking for a NOTIFY will make of a subscription: made durable ahead, it is not saved again. */
export interface Foreseen {
  readonly from: NotifierSubscription;
  readonly to: NotifierSubscription;
}

/** Why a subscription is ended by its notifier; `retryAfter` in seconds. */
export interface Termination {
  readonly reason: string;
  readonly retryAfter?: number | undefined;
}

export interface NotifierAgent {
  /** Answers a SUBSCRIBE to one of our packages, then notifies. */
  handle(incoming: IncomingRequest): void;
  /** True when this in-dialog SUBSCRIBE belongs to a subscription here. */
  owns(subscribe: SipRequest): boolean;
  /** What the subscription of this in-dialog SUBSCRIBE watches. */
  subjectOf(subscribe: SipRequest): string | undefined;
  get(id: string): NotifierSubscription | undefined;
  ofSubject(subject: string): readonly NotifierSubscription[];
  readonly size: number;
  /** Sends the state now, or after the NOTIFY under way. False when there is no such subscription. */
  notify(id: string, request?: NotifyRequest): boolean;
  /** Last NOTIFY with `terminated;reason=…`, then gone. `retryAfter` in seconds. */
  terminate(id: string, reason: string, request?: NotifyRequest & { retryAfter?: number }): boolean;
  /** What `notify` (or `terminate`) will make of it; undefined when there is no such subscription. */
  foresee(id: string, termination?: Termination): Foreseen | undefined;
  /** Drops it without a NOTIFY. */
  forget(id: string): void;
  /** Those of a subject, without a message or a word: another node has them. A NOTIFY under way is given up. */
  drop(subject: string): void;
  /** Every live subscription, as plain data. */
  export(): readonly NotifierSubscription[];
  /**
   * Takes one over from a store: its deadline runs again. True when its last NOTIFY was not
   * acknowledged, so that the caller can `notify` anew; one that was ending ends now.
   * @param text its row, where it may rest as that
   */
  restore(subscription: NotifierSubscription, text?: string): boolean;
  /** Ends all timers; sends nothing. */
  close(): void;
}
