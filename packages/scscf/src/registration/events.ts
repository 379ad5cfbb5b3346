// Registration events, one union, and the declared order of their subscribers. TS 24.229 §5.4.1, §5.4.2.
import type { ReauthenticationCause, ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import type { Change } from "../rows.ts";
import type { Binding, RemovalCause } from "./binding.ts";
import type { Due, Ended } from "./reauthentication.ts";

/** A subscription to a registration here. */
export interface SubscriptionFacts {
  readonly id: string;
  readonly package: string;
  readonly callId: string;
  /** Whose it is: see `notifier/subscription-owner.ts`. */
  readonly memo: string;
  /** The registration set that is watched. */
  readonly set: string;
  /** The device's own binding, where it is a device that subscribed. */
  readonly binding: Binding | undefined;
}

/** Whose REGISTER is challenged or verified, and where it comes from. */
export interface Claimant {
  readonly impi: string;
  readonly impu: string;
  readonly callId: string;
  /** The device's address: `192.0.2.7:5060/udp`. */
  readonly source: string;
  /** Nobody has this name; challenged all the same (`authentication.hideUnknown`). */
  readonly isNobody: boolean;
}

/** A campaign of re-authentications, as far as others hear of it. */
export interface CampaignFacts {
  readonly id: string;
  readonly name?: string;
  /** Devices: chosen at the start; asked by now. */
  readonly total: number;
  readonly asked: number;
  readonly ends: { readonly [E in ReauthenticationEnd]?: number };
}

/** Why a REGISTER was challenged that had answered a challenge. */
export interface ChallengeReason {
  readonly kind: "resync" | "probe" | "stale" | "unknown-nonce";
  readonly why: string;
}

/** What of a subscriber has changed. */
export type SubscriberAspect = "identities" | "credentials" | "duty" | "policy";

/** Times are milliseconds since the epoch. Published when the change is durable and its answer has left. */
export type RegistrationEvent =
  /** The first 200 to a Contact. */
  | { readonly kind: "registered"; readonly binding: Binding }
  /** An accepted REGISTER of a known device; `before` had another Contact when it moved. */
  | { readonly kind: "refreshed"; readonly binding: Binding; readonly before: Binding }
  /** Subscribers must hear of the contact as it is now: `refreshed`. */
  | { readonly kind: "shown"; readonly binding: Binding }
  /** The same of a device with a new Contact: the row of the old one is terminated. */
  | { readonly kind: "moved"; readonly binding: Binding; readonly from: Binding }
  /** `missed`: the re-authentication that ended with it. */
  | {
      readonly kind: "removed";
      readonly binding: Binding;
      readonly cause: RemovalCause;
      readonly missed: Ended | undefined;
    }
  /** A SUBSCRIBE was granted, the first or a refresh. */
  | {
      readonly kind: "subscribed";
      readonly subscription: SubscriptionFacts;
      readonly isNew: boolean;
    }
  /** `isLast`: the device has no other. */
  | {
      readonly kind: "unsubscribed";
      readonly subscription: SubscriptionFacts;
      readonly isLast: boolean;
    }
  /** Nobody has subscribed in time (`subscription.duty: warn`). */
  | { readonly kind: "subscription-overdue"; readonly binding: Binding }
  /** What became of any NOTIFY to the binding's own device. */
  | { readonly kind: "notify-answered"; readonly binding: Binding; readonly status: number }
  | { readonly kind: "notify-failed"; readonly binding: Binding; readonly why: string }
  | {
      readonly kind: "reauthentication-asked";
      readonly binding: Binding;
      readonly cause: ReauthenticationCause;
    }
  /** The device is to be told: NOTIFY `shortened`. */
  | { readonly kind: "reauthentication-triggered"; readonly binding: Binding }
  /** One step further, or once more without success. */
  | {
      readonly kind: "reauthentication-progressed";
      readonly binding: Binding;
      readonly reauthentication: Due;
    }
  | { readonly kind: "reauthentication-ended"; readonly reauthentication: Ended }
  | {
      readonly kind: "challenged";
      readonly claimant: Claimant;
      /** Not the first of its attempt: what came before it. */
      readonly after: ChallengeReason | undefined;
    }
  /** Its answer came, right or wrong. */
  | { readonly kind: "answered"; readonly impi: string; readonly callId: string }
  | {
      readonly kind: "authenticated";
      readonly impi: string;
      readonly impu: string;
      readonly callId: string;
    }
  | { readonly kind: "authentication-failed"; readonly claimant: Claimant; readonly why: string }
  /** No answer to the 401. */
  | {
      readonly kind: "authentication-unanswered";
      readonly claimant: Claimant;
      readonly why: string;
    }
  /** By the operator; before the bindings end whose identity has gone. */
  | {
      readonly kind: "subscriber-changed";
      readonly impi: string;
      readonly change: "added" | "replaced" | "removed";
      readonly aspects: readonly SubscriberAspect[];
      /** Identities that are not barred, canonical (`aorOf`). */
      readonly before: readonly string[];
      readonly after: readonly string[];
    }
  /** After that: `ended` are the identities that devices cannot be reached by any more. */
  | {
      readonly kind: "identities-changed";
      readonly set: string;
      readonly ended: readonly string[];
    }
  | {
      readonly kind: "campaign-changed";
      readonly change: "started" | "paused" | "resumed" | "stopped" | "finished";
      readonly campaign: CampaignFacts;
    };

/** A change of registrations before it is durable. */
export interface ChangeAhead {
  readonly events: readonly RegistrationEvent[];
  /** Bindings that the set will have. */
  readonly left: number;
}

export interface RegistrationSubscriber {
  /** Rows of its own that must be durable together with the change. Nothing has happened yet, and may never. */
  foresee?(ahead: ChangeAhead): readonly Change[];
  on(event: RegistrationEvent): void;
}

/** Who hears of events, by name, in the order of the members: declared in `node.ts`, once. */
export type SubscriberOrder = Readonly<Record<string, RegistrationSubscriber | undefined>>;

const NO_ROWS: readonly Change[] = [];

export class RegistrationEvents {
  #subscribers: readonly RegistrationSubscriber[] = [];
  #foreseeing: readonly RegistrationSubscriber[] = [];
  readonly #waiting: RegistrationEvent[] = [];
  #isDelivering = false;

  /** Before anything happens. */
  deliverTo(order: SubscriberOrder): void {
    if (this.#subscribers.length > 0) throw new Error("the order was declared before");
    this.#subscribers = Object.values(order).filter((one) => one !== undefined);
    this.#foreseeing = this.#subscribers.filter(({ foresee }) => foresee !== undefined);
  }

  foresee(ahead: ChangeAhead): readonly Change[] {
    let rows = NO_ROWS;
    for (const subscriber of this.#foreseeing) {
      const more = subscriber.foresee?.(ahead) ?? NO_ROWS;
      if (more.length > 0) rows = rows.length === 0 ? more : [...rows, ...more];
    }
    return rows;
  }

  /** What a subscriber publishes meanwhile comes when all have heard this one. */
  publish(event: RegistrationEvent): void {
    if (this.#isDelivering) {
      this.#waiting.push(event);
      return;
    }
    this.#isDelivering = true;
    try {
      this.#deliver(event);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
        this.#deliver(next);
    } finally {
      this.#isDelivering = false;
    }
  }

  #deliver(event: RegistrationEvent): void {
    for (const subscriber of this.#subscribers) subscriber.on(event);
  }
}
