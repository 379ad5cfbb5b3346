// The `GET /state` view of one UE. Times in milliseconds since the epoch; null where nothing applies.
import type { CallView, MessageView } from "@ims-lab/common/admin-api/views";
import type { CheckOutcome } from "./registration/check.ts";
import { nextDeadline, type RegistrationState } from "./registration/state.ts";
import type { RegistrationSubscription } from "./subscription/subscription.ts";
import type { Identity } from "./user-agent/identity.ts";

export interface UeView {
  readonly impi: string;
  readonly impu: string;
  readonly contact: string;
  readonly registration: {
    readonly state: RegistrationState["name"];
    /** Why it is not registered. */
    readonly why: string | null;
    readonly expiresAt: number | null;
    /** When the UE acts by itself: re-registers, tries again. */
    readonly nextAt: number | null;
    readonly callId: string | null;
    readonly cseq: number | null;
    readonly serviceRoute: readonly string[];
    readonly associatedUris: readonly string[];
    readonly lastFailure: string | null;
    /** Whether the network still knew it when it was asked last; null: not asked since the last 200. */
    readonly lastCheck: CheckOutcome | null;
  };
  readonly subscription: {
    readonly event: string;
    readonly state: string;
    readonly callId: string | null;
    readonly expiresAt: number | null;
    readonly lastNotify: {
      readonly at: number;
      readonly subscriptionState: string;
      readonly version: number | null;
      readonly said: string | null;
    } | null;
  } | null;
  readonly calls: readonly CallView[];
  readonly messages: readonly MessageView[];
}

interface UeSnapshot {
  readonly identity: Identity;
  readonly state: RegistrationState | undefined;
  readonly check: CheckOutcome | undefined;
  readonly subscription: RegistrationSubscription | undefined;
  readonly calls: readonly CallView[];
  readonly messages: readonly MessageView[];
}

export function viewOf({
  identity,
  state,
  check,
  subscription,
  calls,
  messages,
}: UeSnapshot): UeView {
  return {
    impi: identity.impi,
    impu: identity.impu,
    contact: identity.contactUri,
    registration: registrationView(state, check),
    subscription: subscription === undefined ? null : subscriptionView(subscription),
    calls,
    messages,
  };
}

function registrationView(
  state: RegistrationState | undefined,
  check: CheckOutcome | undefined,
): UeView["registration"] {
  const granted = state !== undefined && "granted" in state ? state.granted : undefined;
  return {
    state: state?.name ?? "deregistered",
    why: state?.name === "deregistered" ? state.why : null,
    expiresAt: whole(granted?.expiresAt),
    nextAt: whole(state && nextDeadline(state)),
    callId: granted?.order.callId ?? null,
    cseq: granted?.order.cseq ?? null,
    serviceRoute: granted?.serviceRoute ?? [],
    associatedUris: granted?.associatedUris ?? [],
    lastFailure: state?.memory.lastFailure ?? null,
    lastCheck: check ?? null,
  };
}

function subscriptionView(subscription: RegistrationSubscription): UeView["subscription"] {
  const { event, state, callId, expiresAt, lastNotify } = subscription;
  return {
    event,
    state,
    callId: callId ?? null,
    expiresAt: whole(expiresAt),
    lastNotify:
      lastNotify === undefined
        ? null
        : {
            at: Math.floor(lastNotify.at),
            subscriptionState: lastNotify.subscriptionState,
            version: lastNotify.version ?? null,
            said: lastNotify.said ?? null,
          },
  };
}

function whole(time: number | undefined): number | null {
  return time === undefined ? null : Math.floor(time);
}
