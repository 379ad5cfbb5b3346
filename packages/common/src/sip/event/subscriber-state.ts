// State, inputs and effects of the subscriber machine. RFC 6665 §4.1.2.
import type { Resubscribe } from "./ending.ts";

export interface SubscriberContext {
  /** Timer N, milliseconds: 64*T1. */
  readonly timerN: number;
  /** Seconds after a grant of `granted` seconds at which to refresh; undefined: never by itself. */
  refreshAfter(granted: number): number | undefined;
  /** Drawn anew each time, 0 to 1: peers that were all told to come back then do not come at once. */
  spread?(): number;
  /** Seconds that a scheduled refresh asks for. */
  readonly expires: number;
}

/** A SUBSCRIBE that waits for its 2xx, its NOTIFY or both. */
export interface OpenRequest {
  readonly asked: number;
  /** 423s answered by a longer Expires so far. */
  readonly retries: number;
  readonly answered: boolean;
  readonly notified: boolean;
}

export interface Established {
  readonly name: "pending" | "active";
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly open?: OpenRequest | undefined;
  /** Expires of the SUBSCRIBE to send when the open one is through. */
  readonly next?: number | undefined;
}

export interface NotifyWait {
  readonly name: "notifyWait";
  readonly open: OpenRequest;
  /** Seconds granted by the 2xx, once there is one. */
  readonly granted?: number | undefined;
  readonly next?: number | undefined;
}

export type SubscriberState =
  | { readonly name: "init" }
  | NotifyWait
  | Established
  | { readonly name: "terminated" };

export type SubscriberTimer = "N" | "refresh" | "expiry";

/** Times in milliseconds since the epoch, durations in seconds. */
export type SubscriberInput = { readonly now: number } & (
  | { readonly kind: "subscribe"; readonly expires: number } // the first, a refresh; 0 leaves
  | {
      readonly kind: "response";
      readonly status: number;
      readonly expires?: number | undefined;
      readonly minExpires?: number | undefined;
      readonly retryAfter?: number | undefined;
      /** Its Allow-Events lists the package. */
      readonly isServed?: boolean | undefined;
    }
  | { readonly kind: "failure"; readonly why: string } // "timeout" or a transport failure
  | {
      readonly kind: "notify";
      /** Value of Subscription-State; an extension state counts as active. */
      readonly state: string;
      readonly expires?: number | undefined;
      readonly reason?: string | undefined;
      readonly retryAfter?: number | undefined;
    }
  | { readonly kind: "timer"; readonly timer: SubscriberTimer }
);

export interface Ending {
  readonly why: // Of the first SUBSCRIBE or a refresh; seconds of its Retry-After.
    | {
        readonly kind: "refused";
        readonly status: number;
        readonly retryAfter?: number | undefined;
        /** Its Allow-Events lists the package. */
        readonly isServed?: boolean;
      }
    | { readonly kind: "terminated"; readonly reason?: string | undefined } // said by the notifier
    | { readonly kind: "no-notify" } // Timer N
    | { readonly kind: "unreachable"; readonly failure: string } // the first SUBSCRIBE got no answer
    | { readonly kind: "expired" }
    | { readonly kind: "left" }; // unsubscribed, or a fetch that is done
  readonly resubscribe: Resubscribe;
}

export type SubscriberEffect =
  | { readonly kind: "send"; readonly expires: number }
  | { readonly kind: "set"; readonly timer: SubscriberTimer; readonly at: number }
  | { readonly kind: "stop"; readonly timer: SubscriberTimer }
  | { readonly kind: "granted"; readonly expires: number }
  | { readonly kind: "ended"; readonly ending: Ending };

export interface SubscriberStep {
  readonly state: SubscriberState;
  readonly effects: readonly SubscriberEffect[];
}

/** For the log. @param notifier who it was subscribed at, as "the P-CSCF" */
export function endingInWords(why: Ending["why"], notifier: string): string {
  switch (why.kind) {
    case "refused":
      return `SUBSCRIBE answered ${why.status}`;
    case "terminated":
      return `terminated by ${notifier}: ${why.reason ?? "no reason given"}`;
    case "no-notify":
      return "no NOTIFY within 32 s of SUBSCRIBE";
    case "unreachable":
      return `SUBSCRIBE not answered: ${why.failure}`;
    case "expired":
    case "left":
      return why.kind;
  }
}
