// States, inputs and effects of the UE's subscription to its registration. TS 24.229 §5.1.1.3; RFC 6665 §4.1.
import { OWN_PACKAGE, type RegistrationPackage } from "@ims-lab/common/ims/events";
import type { Random } from "@ims-lab/common/platform/random";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";

export type SubscriptionPhase =
  /** There is none; it comes with the next 200 to a REGISTER, or only with the next initial registration. */
  | { readonly name: "none"; readonly comesWith: "register" | "initial" }
  /** A first SUBSCRIBE without an answer; at `giveUpAt` another one is sent, undefined: not before its end. */
  | { readonly name: "asking"; readonly giveUpAt: number | undefined }
  /** The SUBSCRIBE was accepted; its NOTIFY will say until when. */
  | { readonly name: "granted" }
  | {
      readonly name: "active";
      readonly expiresAt: number;
      /** Undefined: the refresh was sent, or follows the REGISTER under way. */
      readonly refreshAt: number | undefined;
      readonly isOverdue: boolean;
    }
  /** The next SUBSCRIBE is sent at `until`, or with the next 200 to a REGISTER where it may. */
  | { readonly name: "paused"; readonly until: number; readonly comesWithRegister: boolean }
  /** The registration is gone; the last NOTIFY may still be on its way. */
  | { readonly name: "lingering"; readonly until: number };

/** Times in milliseconds since the epoch. */
export interface SubscriptionState {
  readonly package: RegistrationPackage;
  readonly phase: SubscriptionPhase;
  /** Service-Route of the last 200: another one means another S-CSCF, or one that had forgotten this UE. */
  readonly serviceRoute: string;
  /** When the last first SUBSCRIBE was sent. */
  readonly startedAt: number;
  /** Refusals, losses and quick ends in a row. */
  readonly setbacks: number;
  /** Until then a missing document is not asked for once more. */
  readonly nextGapAt: number;
}

export type SubscriptionInput =
  /** A REGISTER got its 200; the registration lives until `expiresAt`. */
  | {
      readonly kind: "registered";
      readonly first: boolean;
      readonly serviceRoute: string;
      readonly expiresAt: number;
    }
  | { readonly kind: "deregistered" }
  | { readonly kind: "flow-lost" }
  /** A SUBSCRIBE got its 2xx, or a NOTIFY came; undefined: no NOTIFY yet. */
  | { readonly kind: "heard"; readonly expiresAt: number | undefined }
  /** A SUBSCRIBE got this final answer, whether that ends the subscription or not. */
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "ended"; readonly ending: Ending }
  /** A document with a version below the last: the next ones would not be believed either. */
  | { readonly kind: "stale" }
  /** A document is missing: the full state is wanted (RFC 3680 §5.1). */
  | { readonly kind: "gap" }
  /** `nextDeadline` has come. */
  | { readonly kind: "due" };

export type SubscriptionEffect =
  /** A first SUBSCRIBE in a dialog of its own; what there was is forgotten. */
  | { readonly kind: "subscribe" }
  | { readonly kind: "refresh" }
  | { readonly kind: "forget" }
  /** The network does not know the registration. */
  | { readonly kind: "lost"; readonly why: string };

export interface SubscriptionContext {
  readonly now: number;
  readonly random: Random;
  /** Whether a registration stands, and whether a REGISTER waits for its answer. */
  readonly isRegistered: boolean;
  readonly isPending: boolean;
}

export interface SubscriptionStep {
  readonly state: SubscriptionState;
  readonly effects: readonly SubscriptionEffect[];
}

export function initialSubscription(event: RegistrationPackage = OWN_PACKAGE): SubscriptionState {
  return {
    package: event,
    phase: { name: "none", comesWith: "initial" },
    serviceRoute: "",
    startedAt: 0,
    setbacks: 0,
    nextGapAt: 0,
  };
}

/** When the machine wants `due`. */
export function nextSubscriptionDeadline({ phase }: SubscriptionState): number | undefined {
  switch (phase.name) {
    case "none":
    case "granted":
      return undefined;
    case "asking":
      return phase.giveUpAt;
    case "active":
      return phase.refreshAt;
    case "paused":
    case "lingering":
      return phase.until;
  }
}
