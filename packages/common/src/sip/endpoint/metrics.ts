// Metrics of endpoints; their labels are few, whatever peers write.
import type { Counter, Labelled, Metrics } from "../../platform/metrics.ts";
import type { EndpointCounters, EndpointEvent } from "./options.ts";

const NAME = "sip_events_total";
const HELP = "SIP messages and what became of them.";

/** For all endpoints of a node. */
export function endpointCounters(metrics: Metrics): EndpointCounters {
  return new KeptCounters(metrics.counters(NAME, HELP, ["event", "label"]));
}

/** For a node whose endpoints face different networks. */
export function endpointCountersBySide(metrics: Metrics): (side: string) => EndpointCounters {
  const sip = metrics.counters(NAME, HELP, ["side", "event", "label"]);
  return (side) => new KeptCounters((event, label) => sip(side, event ?? "", label ?? ""));
}

/** Each message is counted, so what was found once is kept. */
class KeptCounters implements EndpointCounters {
  readonly #find: Labelled<Counter>;
  readonly #kept = new Map<EndpointEvent, Map<string, Counter>>();

  /** @param find by event and label */
  constructor(find: Labelled<Counter>) {
    this.#find = find;
  }

  count(event: EndpointEvent, label: string): void {
    const counter = this.#kept.get(event)?.get(label) ?? this.#keep(event, label);
    counter.inc();
  }

  #keep(event: EndpointEvent, label: string): Counter {
    const word = eventLabel(event, label);
    const counter = this.#find(event, word);
    // Of what counts as others there may be any number.
    if (word === OTHER) return counter;
    const kept = this.#kept.get(event) ?? new Map<string, Counter>();
    this.#kept.set(event, kept.set(label, counter));
    return counter;
  }
}

const OTHER = "other";

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
function eventLabel(event: EndpointEvent, label: string): string {
  if (BY_METHOD.has(event)) return METHODS.has(label) ? label : OTHER;
  return WORDS.get(label) ?? remember(label);
}

const WORDS = new Map<string, string>();
/** More reasons than there are in this project. */
const MOST_WORDS = 500;

function remember(label: string): string {
  const word = label.toLowerCase().replace(/[^\da-z]+/g, "-");
  if (WORDS.size < MOST_WORDS) WORDS.set(label, word);
  return WORDS.has(label) ? word : OTHER;
}

/** `2xx` for 200: few labels, whatever peers send. */
export function statusClass({ status }: { readonly status: number }): string {
  return CLASSES[Math.floor(status / 100)] ?? OTHER;
}

const CLASSES = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];
