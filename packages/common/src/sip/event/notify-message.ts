// The NOTIFY of a subscription, and what its answer says. RFC 6665 §4.2.2, §8.2.1.
import { nextRequest } from "../dialog/dialog.ts";
import { RetryAfter } from "../message/fields.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import { formatEvent } from "./event-headers.ts";
import type { NotifyBody, NotifyOutcome } from "./notifier-port.ts";
import type { NotifierSubscription } from "./subscription.ts";

export function notifyOf(
  { dialog, package: name, eventId, contact }: NotifierSubscription,
  subscriptionState: string,
  { contentType, body }: NotifyBody,
): SipRequest {
  const headers: [string, string][] = [
    ["Contact", contact],
    ["Event", formatEvent({ package: name, id: eventId })],
    ["Subscription-State", subscriptionState],
  ];
  if (body.length > 0) headers.push(["Content-Type", contentType]);
  return nextRequest(dialog, "NOTIFY", headers, body).request;
}

/** The subscription in which one NOTIFY more has been sent. */
export function notified(subscription: NotifierSubscription): NotifierSubscription {
  const { dialog, version } = subscription;
  const next = { ...dialog, localCseq: dialog.localCseq + 1 };
  return { ...subscription, dialog: next, version: version + 1 };
}

/** @param response a final one */
export function outcomeOf(response: SipResponse): NotifyOutcome {
  const { status } = response;
  if (status < 300) return { kind: "acknowledged", status };
  const retryAfter = response.get(RetryAfter);
  return { kind: "failed", status, ...(retryAfter !== undefined && { retryAfter }) };
}
