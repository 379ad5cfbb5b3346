// Registration events in the histories of their users.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";
import type { Ended } from "../registration/reauthentication.ts";
import { reasonOfEnd, whyRemoved } from "./end-reasons.ts";
import type { UserHistory } from "./user-history.ts";

export class RegistrationHistory implements RegistrationSubscriber {
  readonly #history: UserHistory;
  readonly #dutySeconds: number;

  /** @param dutySeconds time to subscribe */
  constructor(history: UserHistory, dutySeconds: number) {
    this.#history = history;
    this.#dutySeconds = dutySeconds;
  }

  on(event: RegistrationEvent): void {
    const history = this.#history;
    switch (event.kind) {
      case "registered":
      case "refreshed":
        history.note(event.binding.impi, event.kind, event.binding.address.contact);
        break;
      case "removed": {
        const { binding, cause, missed } = event;
        history.note(binding.impi, "removed", whyRemoved(cause, missed, this.#dutySeconds));
        break;
      }
      case "subscribed": {
        const { binding, package: name } = event.subscription;
        if (binding !== undefined) history.note(binding.impi, "subscribed", `Event: ${name}`);
        break;
      }
      case "unsubscribed": {
        const { binding } = event.subscription;
        if (binding !== undefined && event.isLast) history.note(binding.impi, "unsubscribed");
        break;
      }
      case "subscription-overdue":
        history.note(event.binding.impi, "overdue");
        break;
      case "notify-answered":
        history.note(event.binding.impi, "notify-answered", String(event.status));
        break;
      case "notify-failed":
        history.note(event.binding.impi, "notify-failed", event.why);
        break;
      case "reauthentication-asked":
        history.note(event.binding.impi, "asked", wordsOfAsker(event.cause));
        break;
      case "reauthentication-triggered":
        history.note(event.binding.impi, "notified");
        break;
      case "reauthentication-ended":
        history.note(event.reauthentication.impi, "ended", wordsOfEnd(event.reauthentication));
        break;
      case "challenged": {
        // Whom nobody knows is in no user's history; what comes after an answer is noted with its reason.
        const { claimant, after } = event;
        if (after === undefined && !claimant.isNobody) history.note(claimant.impi, "challenged");
        break;
      }
      case "subscriber-changed":
        history.note(event.impi, event.kind, wordsOfChange(event));
        break;
      case "identities-changed":
      case "shown":
      case "moved":
      case "reauthentication-progressed":
      case "answered":
      case "authenticated":
      case "authentication-failed":
      case "authentication-unanswered":
      case "campaign-changed":
        break;
    }
  }
}

/** "added"; "credentials, identities" */
export function wordsOfChange({
  change,
  aspects,
}: Extract<RegistrationEvent, { kind: "subscriber-changed" }>): string {
  return change === "replaced" ? aspects.join(", ") : change;
}

/** "by an operator" */
export function wordsOfAsker(cause: ReauthenticationCause): string {
  if (cause === "operator") return "by an operator";
  return cause === "pcscf" ? "by the P-CSCF" : `by ${cause}`;
}

/** How it ended, after how long, and why. */
export function wordsOfEnd(ended: Ended): string {
  const { end, requestedAt, endedAt } = ended;
  const after = `after ${Math.round(endedAt - requestedAt)} ms`;
  return end === "reauthenticated"
    ? `authenticated again ${after}`
    : `${end} ${after}: ${reasonOfEnd(ended)}`;
}
