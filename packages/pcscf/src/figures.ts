// What the P-CSCF counts. Design section 10.
import type { Metrics } from "@ims-lab/common/platform/metrics";
import type { EndpointCounters } from "@ims-lab/common/sip/endpoint";
import type { RelayCounters } from "./relay/sides.ts";

export interface Figures {
  readonly relay: RelayCounters;
  endpoint(side: "access" | "core"): EndpointCounters;
}

/** A method is text of the sender's choice: labels must not grow with it. */
const METHODS: ReadonlySet<string> = new Set(
  "ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split(
    " ",
  ),
);

export function createFigures(metrics: Metrics): Figures {
  const sip = metrics.counters("sip_events_total", "SIP messages and what became of them.", [
    "side",
    "event",
    "label",
  ]);
  const routeMismatch = metrics.counter(
    "route_mismatch_total",
    "Requests whose Route was not the Service-Route.",
  );
  const forged = metrics.counters("forged_headers_total", "Headers UEs must not send.", ["header"]);
  const refused = metrics.counters("refused_total", "Requests that got nowhere.", ["reason"]);
  const registers = metrics.counters("register_total", "Final answers to REGISTER.", ["status"]);
  return {
    relay: {
      routeMismatch: () => routeMismatch.inc(),
      forged: (header) => forged(header).inc(),
      refused: (reason) => refused(reason).inc(),
      register: (status) => registers(status).inc(),
    },
    endpoint: (side) => ({
      count: (event, label) => sip(side, event, boundedLabel(label)).inc(),
    }),
  };
}

/** Reasons and status classes are ours and in lower case or digits. */
function boundedLabel(label: string): string {
  return METHODS.has(label) || /^[\da-z-]{1,40}$/.test(label) ? label : "other";
}
