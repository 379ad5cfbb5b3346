// Events of registrations as the admin interface shows them, in fields and in words.
import type { StreamEvent } from "@ims-lab/common/admin-api/events";
import { whyRemoved } from "../history/end-reasons.ts";
import { wordsOfAsker, wordsOfChange, wordsOfEnd } from "../history/registration-history.ts";
import { watcherIn } from "../notifier/subscription-owner.ts";
import type { Binding } from "../registration/binding.ts";
import type {
  CampaignFacts,
  RegistrationEvent,
  SubscriptionFacts,
} from "../registration/events.ts";

/** What an event has but its number and time. */
export type EventContent = StreamEvent extends infer E
  ? E extends StreamEvent
    ? Omit<E, "id" | "at">
    : never
  : never;

/** False for events that say nothing that another one does not. */
export function isTold({ kind }: RegistrationEvent): boolean {
  if (kind === "shown" || kind === "moved") return false;
  return kind !== "answered" && kind !== "identities-changed";
}

/** @param dutySeconds time to subscribe */
export function contentOf(event: RegistrationEvent, dutySeconds: number): EventContent | undefined {
  switch (event.kind) {
    case "registered":
      return registration(event.binding, event.kind, "registered");
    case "refreshed":
      return registration(event.binding, event.kind, "registered again");
    case "removed": {
      const { binding, cause, missed } = event;
      const words = `de-registered: ${whyRemoved(cause, missed, dutySeconds)}`;
      return { ...registration(binding, event.kind, words), cause: cause.kind };
    }
    case "subscribed":
      return event.isNew
        ? subscription(event.subscription, "begun", "subscribed")
        : subscription(event.subscription, "refreshed", "subscribed again");
    case "unsubscribed":
      return subscription(event.subscription, "ended", "subscription over");
    case "subscription-overdue":
      return ofDevice(event.binding, "overdue", `no SUBSCRIBE within ${dutySeconds} s`);
    case "notify-answered":
      return ofDevice(event.binding, "notify-answered", `NOTIFY answered ${event.status}`);
    case "notify-failed":
      return ofDevice(event.binding, "notify-failed", event.why);
    case "reauthentication-asked": {
      const words = `re-authentication asked for ${wordsOfAsker(event.cause)}`;
      return { ...reauthentication(event.binding, "asked", words), cause: event.cause };
    }
    case "reauthentication-triggered":
      return reauthentication(event.binding, "triggered", "NOTIFY that asks to authenticate again");
    case "reauthentication-progressed": {
      const { progress, course } = event.reauthentication;
      const failure = course.refusal ?? course.notifyFailure;
      const words = `re-authentication ${progress}${failure === undefined ? "" : `: ${failure}`}`;
      return reauthentication(event.binding, "progressed", words);
    }
    case "reauthentication-ended": {
      const { id, impi, impu, bindingId, contact, cause, end } = event.reauthentication;
      return {
        type: "reauthentication",
        event: "ended",
        ...{ impi, impu, callId: null, bindingId, contact, cause, end, progress: null },
        reauthenticationId: id,
        text: `re-authentication over: ${wordsOfEnd(event.reauthentication)}`,
      };
    }
    case "challenged": {
      const { impi, impu, callId, source } = event.claimant;
      const why = event.after?.why ?? null;
      const words = why === null ? "challenged (401)" : `challenged once more (401): ${why}`;
      return authentication({ impi, impu, callId, source, why }, "challenged", words);
    }
    case "authenticated": {
      const { impi, impu, callId } = event;
      const who = { impi, impu, callId, source: null, why: null };
      return authentication(who, "succeeded", "authenticated");
    }
    case "authentication-failed":
    case "authentication-unanswered": {
      const { claimant, why } = event;
      const { impi, impu, callId, source } = claimant;
      const word = event.kind === "authentication-failed" ? "failed" : "unanswered";
      const words = word === "failed" ? `authentication failed: ${why}` : why;
      return authentication({ impi, impu, callId, source, why }, word, words);
    }
    case "subscriber-changed":
      return subscriberNews(event);
    case "campaign-changed":
      return campaign(event.change, event.campaign);
    case "shown":
    case "moved":
    case "answered":
    case "identities-changed":
      return undefined;
  }
}

function subscriberNews(
  event: Extract<RegistrationEvent, { kind: "subscriber-changed" }>,
): EventContent {
  const { impi, change, aspects, before, after } = event;
  return {
    type: "subscriber",
    event: change,
    ...{ impi, impu: after[0] ?? before[0] ?? null, callId: null, aspects },
    text: `subscriber changed: ${wordsOfChange(event)}`,
  };
}

function registration(
  { impi, impu, callId, token, address, expiresAt }: Binding,
  event: "registered" | "refreshed" | "removed",
  words: string,
): Extract<EventContent, { type: "registration" }> {
  const { contact } = address;
  return {
    type: "registration",
    event,
    ...{ impi, impu, callId, bindingId: token, contact, cause: null },
    expiresAt: Math.round(expiresAt),
    text: `${words}: ${contact}`,
  };
}

function campaign(
  event: Extract<EventContent, { type: "campaign" }>["event"],
  { id, name, total, asked, ends }: CampaignFacts,
): EventContent {
  const ended = Object.values(ends).reduce((sum, count) => sum + count, 0);
  const { reauthenticated = 0 } = ends;
  const called = name === undefined ? id : `${id} (${name})`;
  const course = `${asked} of ${total} devices asked, ${reauthenticated} of them authenticated again`;
  return {
    type: "campaign",
    event,
    ...{
      impi: null,
      impu: null,
      callId: null,
      campaignId: id,
      total,
      asked,
      ended,
      reauthenticated,
    },
    text: `campaign ${called} ${event}: ${course}`,
  };
}

type SubscriptionContent = Extract<EventContent, { type: "subscription" }>;

function subscription(
  { package: name, callId, memo, set, binding }: SubscriptionFacts,
  event: "begun" | "refreshed" | "ended",
  words: string,
): SubscriptionContent {
  const who = { device: "the device", pcscf: "the P-CSCF", server: "an application server" };
  return {
    type: "subscription",
    event,
    impi: binding?.impi ?? null,
    impu: binding?.impu ?? set,
    callId,
    package: name,
    bindingId: binding?.token ?? null,
    text: `${who[watcherIn(memo)]}: ${words}, Event: ${name}`,
  };
}

function ofDevice(
  { impi, impu, token }: Binding,
  event: SubscriptionContent["event"],
  text: string,
): SubscriptionContent {
  const nothing = { callId: null, package: null };
  return { type: "subscription", event, impi, impu, bindingId: token, ...nothing, text };
}

function reauthentication(
  binding: Binding,
  event: "asked" | "triggered" | "progressed",
  text: string,
): Extract<EventContent, { type: "reauthentication" }> {
  const { impi, impu, callId, token, address, reauthentication: running } = binding;
  return {
    type: "reauthentication",
    event,
    ...{ impi, impu, callId, bindingId: token, contact: address.contact, end: null },
    reauthenticationId: running?.id ?? null,
    cause: running?.cause ?? null,
    progress: running?.progress ?? null,
    text,
  };
}

function authentication(
  who: Pick<
    Extract<EventContent, { type: "authentication" }>,
    "impi" | "impu" | "callId" | "source" | "why"
  >,
  event: "challenged" | "succeeded" | "failed" | "unanswered",
  text: string,
): EventContent {
  return { type: "authentication", event, ...who, text };
}
