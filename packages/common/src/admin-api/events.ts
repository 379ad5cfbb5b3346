// The event stream of the S-CSCF, `GET /events`: server-sent events (WHATWG HTML §9.2).
import type { ReauthenticationEnd, ReauthenticationProgress } from "./views.ts";

export const eventTypes = [
  "registration",
  "subscription",
  "reauthentication",
  "authentication",
  "campaign",
  "subscriber",
] as const;

/** What does not apply is null. */
interface Happened {
  /** Rises with each event, over a restart too: for `Last-Event-ID`. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly impi: string | null;
  readonly impu: string | null;
  readonly callId: string | null;
  /** All of it in words, for a person. */
  readonly text: string;
}

export interface RegistrationNews extends Happened {
  readonly type: "registration";
  readonly event: "registered" | "refreshed" | "removed";
  readonly bindingId: string;
  readonly contact: string;
  readonly expiresAt: number;
  /** Of a removal. */
  readonly cause: string | null;
}

export interface SubscriptionNews extends Happened {
  readonly type: "subscription";
  readonly event: "begun" | "refreshed" | "ended" | "overdue" | "notify-answered" | "notify-failed";
  readonly package: string | null;
  /** The device's own binding. */
  readonly bindingId: string | null;
}

export interface ReauthenticationNews extends Happened {
  readonly type: "reauthentication";
  /** `triggered`: the NOTIFY that asks is to leave. */
  readonly event: "asked" | "triggered" | "progressed" | "ended";
  readonly reauthenticationId: string | null;
  readonly bindingId: string;
  readonly contact: string;
  readonly cause: string | null;
  readonly progress: ReauthenticationProgress | null;
  readonly end: ReauthenticationEnd | null;
}

export interface AuthenticationNews extends Happened {
  readonly type: "authentication";
  readonly event: "challenged" | "succeeded" | "failed" | "unanswered";
  /** The device's address: `192.0.2.7:5060/udp`. */
  readonly source: string | null;
  readonly why: string | null;
}

/** By the operator. */
export interface SubscriberNews extends Happened {
  readonly type: "subscriber";
  readonly event: "added" | "replaced" | "removed";
  /** What differs. */
  readonly aspects: readonly ("identities" | "credentials" | "duty" | "policy")[];
}

/** Of no user: `impi`, `impu` and `callId` are null. */
export interface CampaignNews extends Happened {
  readonly type: "campaign";
  readonly event: "started" | "paused" | "resumed" | "stopped" | "finished";
  readonly campaignId: string;
  /** Devices: chosen at the start; asked by now; of these with an end, and with success. */
  readonly total: number;
  readonly asked: number;
  readonly ended: number;
  readonly reauthenticated: number;
}

/** Of one of `eventTypes`. */
export type StreamEvent =
  | RegistrationNews
  | SubscriptionNews
  | ReauthenticationNews
  | AuthenticationNews
  | CampaignNews
  | SubscriberNews;

/** Instead of events that are remembered no more: an event of type `gap`, without an id. */
export interface EventGap {
  /** The first event that follows. */
  readonly from: number;
}
