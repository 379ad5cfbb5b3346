// Metrics of the P-CSCF.
import type { Metrics } from "@ims-lab/common/platform/metrics";
import type { EndpointCounters } from "@ims-lab/common/sip/endpoint/endpoint";
import { endpointCountersBySide } from "@ims-lab/common/sip/endpoint/metrics";
import type { RelayCounters } from "./sides/sides.ts";

export interface Figures {
  readonly relay: RelayCounters;
  endpoint(side: "access" | "core"): EndpointCounters;
}

export function pcscfMetrics(metrics: Metrics): Figures {
  const sides = endpointCountersBySide(metrics);
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
    endpoint: sides,
  };
}
