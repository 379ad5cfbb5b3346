// Checks of a SUBSCRIBE before anybody decides on it: package, dialog, Accept. RFC 6665 §4.2.1.1, §7.2; RFC 3261 §20.1.
import { tagOf } from "../dialog/dialog.ts";
import { acceptsType } from "../message/accept.ts";
import type { SipRequest } from "../message/message.ts";
import { type EventName, eventOf, isSameEvent } from "./event-headers.ts";
import { isLive } from "./notifier.ts";
import { type EventRefusal, refusal } from "./refusal.ts";
import type { NotifierSubscription } from "./subscription.ts";

export type CheckedSubscribe =
  | { readonly kind: "event"; readonly event: EventName }
  /** `why` for the log. */
  | { readonly kind: "refused"; readonly refused: EventRefusal; readonly why: string };

/**
 * @param packages event packages served and the content type of each
 * @param subscription that to whose dialog it belongs
 */
export function checkSubscribe(
  request: SipRequest,
  packages: ReadonlyMap<string, string>,
  subscription: NotifierSubscription | undefined,
): CheckedSubscribe {
  const event = eventOf(request);
  const type = event && packages.get(event.package);
  if (event === undefined || type === undefined) {
    const known = [...packages.keys()].join(", ");
    const why = `${saidEvent(request)}, served are ${known}`;
    return refused(refusal(489, { headers: [["Allow-Events", known]] }), why);
  }
  const isInitial = tagOf(request.to) === "";
  if (!isInitial && !isOpen(subscription, event))
    return refused(refusal(481), "in no subscription that stands here");
  if (!acceptsType(request, type)) {
    const why = `Accept: ${request.text("Accept")} leaves out ${type}`;
    return refused(refusal(406, { headers: [["Accept", type]] }), why);
  }
  return { kind: "event", event };
}

function refused(refusal: EventRefusal, why: string): CheckedSubscribe {
  return { kind: "refused", refused: refusal, why };
}

function saidEvent(request: SipRequest): string {
  const said = request.text("Event");
  return said === undefined ? "no Event header" : `Event: ${said} is not served here`;
}

function isOpen(subscription: NotifierSubscription | undefined, event: EventName): boolean {
  if (subscription === undefined || !isLive(subscription.state)) return false;
  const { package: name, eventId } = subscription;
  return isSameEvent(event, { package: name, id: eventId });
}
