// One binding, the unit of everything timed: its state, what happens to it, what follows. TS 24.229 §5.4.1.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { DeregistrationCause } from "@ims-lab/common/ims/events";
import type { Address } from "./address.ts";
import type { Due, Ended, ReauthenticationContext } from "./reauthentication.ts";

export type SubscriptionDuty = "enforce" | "warn" | "optional";

/** The duty to subscribe, as it stands. */
export type Duty =
  | { readonly state: "fulfilled" } // a live subscription of the device
  | { readonly state: "owed"; readonly by: number } // milliseconds since the epoch
  | { readonly state: "overdue" } // `warn`: reported, nothing else
  | { readonly state: "none" }; // `optional`

export interface Binding {
  /** Contact id of reginfo: another one when the Contact URI changes (RFC 3680 §5.1.2). */
  readonly id: string;
  /** User part of the Service-Route: ties a SUBSCRIBE to this binding. */
  readonly token: string;
  readonly impi: string;
  /** Names the implicit registration set: see `setNameOf`. */
  readonly set: string;
  /** The AoR that was registered explicitly; the others of the set came with it. */
  readonly impu: string;
  readonly address: Address;
  /** As the last accepted REGISTER said it, cut after 200 characters. */
  readonly userAgent?: string | undefined;
  readonly callId: string;
  readonly cseq: number;
  readonly registeredAt: number;
  readonly authenticatedAt: number;
  readonly expiresAt: number;
  readonly event: "registered" | "refreshed";
  /** Whether this subscriber must subscribe, and how that stands. */
  readonly mode: SubscriptionDuty;
  readonly duty: Duty;
  /** The device has asked to leave while a re-authentication is due; it takes effect by then. */
  readonly leavingBy?: number;
  readonly reauthentication?: Due;
  /** A deadline was moved after a restart, and no REGISTER has been accepted since. */
  readonly hadGrace?: true;
}

/** Why a binding went; `retryAfterSeconds` comes with `probation`. */
export type RemovalCause =
  | { readonly kind: Exclude<DeregistrationCause, "probation"> }
  | { readonly kind: "probation"; readonly retryAfterSeconds: number };

export interface BindingContext {
  readonly subscriptionDeadlineMs: number;
  readonly reauthentication: ReauthenticationContext;
}

/** What an accepted REGISTER changes. */
export interface Accepted {
  readonly at: number;
  /** It answered a challenge (or asserted trust as good as that). */
  readonly authenticated: boolean;
  /** Used when the Contact URI is another one than before. */
  readonly newId: string;
  readonly address: Address;
  readonly impu: string;
  readonly mode: SubscriptionDuty;
  readonly userAgent?: string | undefined;
  readonly callId: string;
  readonly cseq: number;
  readonly expiresAt: number;
}

export type BindingInput =
  | ({ readonly kind: "registered" } & Accepted)
  | { readonly kind: "challenged"; readonly at: number; readonly ownFlow: boolean }
  /** A challenge went to the device's own Expires 0 while a re-authentication is due. */
  | { readonly kind: "leave-challenged"; readonly at: number; readonly ownFlow: boolean }
  | {
      readonly kind: "failed";
      readonly at: number;
      readonly ownFlow: boolean;
      /** Of a challenge that the device itself has caused, not somebody in its name. */
      readonly ownAttempt: boolean;
      readonly why: string;
    }
  | { readonly kind: "subscribed"; readonly at: number }
  | { readonly kind: "unsubscribed"; readonly at: number }
  | {
      readonly kind: "asked";
      readonly at: number;
      readonly id: string;
      readonly requestId: string;
      readonly cause: ReauthenticationCause;
      /** In the place of N, milliseconds. */
      readonly withinMs?: number | undefined;
      /** It is registering at this moment and is challenged: no NOTIFY need tell it. */
      readonly isHere?: boolean;
      /** One ran when it was asked for: should that have ended meanwhile, its end is the answer. */
      readonly joins?: boolean;
    }
  /** The trigger's first transmission. */
  | { readonly kind: "notified"; readonly at: number }
  | { readonly kind: "acknowledged"; readonly at: number }
  | { readonly kind: "notify-failed"; readonly why: string }
  | { readonly kind: "removed"; readonly at: number; readonly cause: RemovalCause }
  | { readonly kind: "due"; readonly at: number };

export type BindingEffect =
  | { readonly kind: "show" } // NOTIFY those who watch: registered or refreshed
  | { readonly kind: "moved"; readonly from: Binding } // NOTIFY, the old contact row terminated
  | { readonly kind: "trigger" } // NOTIFY `shortened`
  | { readonly kind: "overdue" } // log that nobody subscribed
  | { readonly kind: "ended"; readonly reauthentication: Ended }
  | { readonly kind: "gone"; readonly cause: RemovalCause };

export interface BindingStep {
  /** Undefined when the binding has gone. */
  readonly state: Binding | undefined;
  readonly effects: readonly BindingEffect[];
}
