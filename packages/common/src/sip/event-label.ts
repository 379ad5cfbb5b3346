// Labels of an endpoint's counts: few, whatever peers write. Design section 10.
import type { EndpointEvent } from "./endpoint-options.ts";

/** A method is text of the sender's choice: labels must not grow with it. */
const METHODS: ReadonlySet<string> = new Set(
  "ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split(
    " ",
  ),
);
const BY_METHOD: ReadonlySet<EndpointEvent> = new Set<EndpointEvent>([
  "request-in",
  "request-out",
  "retransmission-in",
]);

/** Reasons become `too-many-connections`; they and status classes are ours. */
export function eventLabel(event: EndpointEvent, label: string): string {
  if (BY_METHOD.has(event)) return METHODS.has(label) ? label : "other";
  return WORDS.get(label) ?? remember(label);
}

const WORDS = new Map<string, string>();
/** More reasons than there are in this project. */
const MOST_WORDS = 500;

function remember(label: string): string {
  const word = label.toLowerCase().replace(/[^\da-z]+/g, "-");
  if (WORDS.size < MOST_WORDS) WORDS.set(label, word);
  return WORDS.has(label) ? word : "other";
}
