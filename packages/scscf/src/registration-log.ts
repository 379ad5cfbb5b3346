// Registration events as lines of the log; docs/operations.md lists them.
import type { LogFields, Logger } from "@ims-lab/common/platform/logger";
import { reasonOfEnd, whyRemoved } from "./history/end-reasons.ts";
import type { RefusalLog } from "./refusal-log.ts";
import type { Binding } from "./registration/binding.ts";
import type {
  CampaignFacts,
  ChallengeReason,
  Claimant,
  RegistrationEvent,
  RegistrationSubscriber,
  SubscriptionFacts,
} from "./registration/events.ts";
import type { Ended } from "./registration/reauthentication.ts";

export interface RegistrationLogOptions {
  readonly log: Logger;
  /** What anybody can cause goes there: each cause once, then summed up. */
  readonly refusals: RefusalLog;
  /** Time to subscribe. */
  readonly dutySeconds: number;
}

const EVENT_OF_CHALLENGE = {
  resync: ["authentication.resync", "resynchronised"],
  probe: ["authentication.probe", "probed"],
  stale: ["authentication.challenged-again", "challenged-again"],
  "unknown-nonce": ["authentication.challenged-again", "challenged-again"],
} as const;

export class RegistrationLog implements RegistrationSubscriber {
  readonly #options: RegistrationLogOptions;

  constructor(options: RegistrationLogOptions) {
    this.#options = options;
  }

  on(event: RegistrationEvent): void {
    const { log, refusals, dutySeconds } = this.#options;
    switch (event.kind) {
      case "registered":
        if (log.enabled("info")) log.info("registration.bound", fieldsOf(event.binding));
        break;
      case "refreshed":
        if (log.enabled("debug")) log.debug("registration.refreshed", fieldsOf(event.binding));
        break;
      case "removed": {
        if (!log.enabled("info")) break;
        const { binding, cause, missed } = event;
        const why = whyRemoved(cause, missed, dutySeconds);
        log.info("registration.removed", { ...fieldsOf(binding), cause: cause.kind, why });
        break;
      }
      case "subscribed":
        log.info("subscription.granted", fieldsOfSubscription(event.subscription));
        break;
      case "unsubscribed":
        log.info("subscription.ended", fieldsOfSubscription(event.subscription));
        break;
      case "subscription-overdue": {
        const why = `no SUBSCRIBE within ${dutySeconds} s`;
        log.warn("subscription.overdue", { ...fieldsOf(event.binding), why });
        break;
      }
      case "reauthentication-asked": {
        const [kind, rule] = event.cause.split(":");
        const reauthentication = event.binding.reauthentication?.id;
        if (kind === "policy")
          log.info("policy.fired", { ...fieldsOf(event.binding), rule, reauthentication });
        break;
      }
      case "reauthentication-triggered": {
        const reauthentication = event.binding.reauthentication?.id;
        log.info("reauthentication.requested", { ...fieldsOf(event.binding), reauthentication });
        break;
      }
      case "reauthentication-ended":
        log.info("reauthentication.ended", fieldsOfEnd(event.reauthentication));
        break;
      case "challenged":
        if (event.after !== undefined) this.#challengedAgain(event.claimant, event.after);
        break;
      case "authentication-failed":
        refusals.warn("authentication.failed", fieldsOfClaim(event.claimant, event.why));
        break;
      case "authentication-unanswered":
        refusals.warn("authentication.silent", fieldsOfClaim(event.claimant, event.why), "silent");
        break;
      case "subscriber-changed": {
        const { impi, change, aspects } = event;
        log.info("subscriber.changed", { impi, change, aspects: aspects.join(",") });
        break;
      }
      case "campaign-changed":
        log.info("campaign.changed", fieldsOfCampaign(event.change, event.campaign));
        break;
      case "identities-changed":
      case "shown":
      case "moved":
      case "notify-answered":
      case "notify-failed":
      case "reauthentication-progressed":
      case "answered":
      case "authenticated":
        break;
    }
  }

  #challengedAgain(claimant: Claimant, { kind: reason, why }: ChallengeReason): void {
    const [event, kind] = EVENT_OF_CHALLENGE[reason];
    this.#options.refusals.info(event, { ...fieldsOfClaim(claimant, why), reason }, kind);
  }
}

function fieldsOf({ impi, impu, callId, address }: Binding): Record<string, string> {
  return { impi, impu, callId, contact: address.contact };
}

function fieldsOfSubscription({ package: name, callId, memo }: SubscriptionFacts): LogFields {
  return { package: name, callId, memo };
}

function fieldsOfClaim(
  { impi, impu, source, callId }: Claimant,
  why: string,
): { impi: string; impu: string; source: string; why: string; callId: string } {
  return { impi, impu, source, why, callId };
}

function fieldsOfCampaign(
  change: string,
  { id, name, total, asked, ends }: CampaignFacts,
): LogFields {
  const ended = Object.entries(ends).map(([end, count]) => `${end} ${count}`);
  return { campaign: id, name, change, total, asked, ends: ended };
}

function fieldsOfEnd(ended: Ended): LogFields {
  const { id, impi, impu, contact, cause, end, requestedAt, endedAt } = ended;
  const milliseconds = Math.round(endedAt - requestedAt);
  const why = reasonOfEnd(ended);
  return { reauthentication: id, impi, impu, contact, cause, end, why, milliseconds };
}
