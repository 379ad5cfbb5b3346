// Headers of SUBSCRIBE and NOTIFY about their subscription. RFC 6665 §4.5.2, §8.2.
import { EventHeader } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";

export interface EventName {
  /** With its templates; compared octet for octet. */
  readonly package: string;
  readonly id: string | null;
}

/** Undefined when the Event header is absent or malformed. */
export function eventOf(request: SipRequest): EventName | undefined {
  const event = request.get(EventHeader);
  if (event === undefined) return undefined;
  const id = event.params.get("id");
  return { package: ownCopy(event.value), id: id === undefined ? null : ownCopy(id) };
}

export function formatEvent(event: EventName): string {
  return event.id === null ? event.package : `${event.package};id=${event.id}`;
}

export function isSameEvent(a: EventName, b: EventName): boolean {
  return a.package === b.package && a.id === b.id;
}

/** A whole number in a parameter; undefined when absent or anything else. */
export function secondsParam(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Math.min(Number(text), 2 ** 32 - 1);
}
