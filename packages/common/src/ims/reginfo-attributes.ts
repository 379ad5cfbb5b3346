// Attributes of reginfo elements and what they may say. RFC 3680 §5.3, §5.4.
import type { SaxesTagNS } from "saxes";
import { parseQvalue, trimLws } from "../sip/message/scan.ts";
import type { ContactEvent, ReginfoContact, ReginfoRegistration } from "./reginfo-document.ts";

type Attributes = ReadonlyMap<string, string>;

/** Attributes without a namespace; others are extensions. */
export function attributesOf(tag: SaxesTagNS): Attributes {
  const found = new Map<string, string>();
  for (const { prefix, local, value } of Object.values(tag.attributes))
    if (prefix === "") found.set(local, trimLws(value));
  return found;
}

/** Each reader returns the value or what is wrong. */
export function readRoot(
  attributes: Attributes,
): { version: number; state: "full" | "partial" } | string {
  const version = whole(attributes.get("version"), 2 ** 32 - 1);
  const state = attributes.get("state");
  if (version === undefined) return "reginfo without a valid version";
  if (state !== "full" && state !== "partial") return "reginfo without a valid state";
  return { version, state };
}

export function readRegistration(attributes: Attributes): ReginfoRegistration | string {
  const aor = attributes.get("aor") ?? "";
  const id = attributes.get("id") ?? "";
  const state = attributes.get("state");
  if (aor === "" || id === "") return "registration without aor or id";
  if (state !== "init" && state !== "active" && state !== "terminated")
    return "registration without a valid state";
  return { aor, id, state, contacts: [] };
}

/** Events that a contact in this state may have had (RFC 3680 §5.1, the contact's machine). */
const EVENT_STATES: ReadonlyMap<string, ReginfoContact["state"]> = new Map([
  ["registered", "active"],
  ["created", "active"],
  ["refreshed", "active"],
  ["shortened", "active"],
  ["expired", "terminated"],
  ["deactivated", "terminated"],
  ["probation", "terminated"],
  ["unregistered", "terminated"],
  ["rejected", "terminated"],
]);

export function readContact(attributes: Attributes): Omit<ReginfoContact, "uri"> | string {
  const id = attributes.get("id") ?? "";
  const event = attributes.get("event") ?? "";
  const state = EVENT_STATES.get(event);
  if (id === "") return "contact without id";
  if (state === undefined || !isContactEvent(event)) return `contact event ${wordOf(event)}`;
  if (attributes.get("state") !== state) return `contact event ${event} but not ${state}`;
  const numbers = readNumbers(attributes);
  if (typeof numbers === "string") return numbers;
  if (event === "shortened" && numbers.expires === undefined) return "shortened without expires";
  const callId = attributes.get("callid");
  return { id, state, event, ...numbers, ...(callId === undefined ? {} : { callId }) };
}

function isContactEvent(event: string): event is ContactEvent {
  return EVENT_STATES.has(event);
}

type ContactNumbers = Pick<
  ReginfoContact,
  "expires" | "retryAfter" | "durationRegistered" | "cseq" | "q"
>;

const WHOLE_NUMBERS = [
  ["expires", "expires"],
  ["retry-after", "retryAfter"],
  ["duration-registered", "durationRegistered"],
  ["cseq", "cseq"],
] as const;

function readNumbers(attributes: Attributes): ContactNumbers | string {
  const numbers: { -readonly [K in keyof ContactNumbers]: ContactNumbers[K] } = {};
  for (const [name, key] of WHOLE_NUMBERS) {
    const text = attributes.get(name);
    if (text === undefined) continue;
    const value = whole(text, Number.MAX_SAFE_INTEGER);
    if (value === undefined) return `contact with ${name}="${wordOf(text)}"`;
    numbers[key] = value;
  }
  const q = attributes.get("q");
  if (q === undefined) return numbers;
  const quality = parseQvalue(q);
  return quality === undefined ? `contact with q="${wordOf(q)}"` : { ...numbers, q: quality };
}

/** xs:unsignedLong, cut at `max`: nothing here lasts longer. */
function whole(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^\+?\d{1,20}$/.test(text)) return undefined;
  return Math.min(Number(text), max);
}

/** A peer's text for a log line: printable and short. */
export function wordOf(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?").slice(0, 40);
}
