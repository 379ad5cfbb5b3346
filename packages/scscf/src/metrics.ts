// Metrics of the S-CSCF.
import type { Metrics } from "@ims-lab/common/platform/metrics";
import type { EndpointCounters } from "@ims-lab/common/sip/endpoint/endpoint";
import { endpointCounters } from "@ims-lab/common/sip/endpoint/metrics";
import type { Scscf } from "./node.ts";
import type { RegistrationEvent, RegistrationSubscriber } from "./registration/events.ts";
import type { WebhookCounter } from "./webhook/webhook.ts";

export interface ScscfMetrics extends RegistrationSubscriber, WebhookCounter {
  readonly endpoint: EndpointCounters;
  /** Tables that are read at each scrape. */
  watch(scscf: Scscf): void;
}

/** Names of rules are the operator's, and new ones may come with each policy. */
const MOST_RULES_NAMED = 64;

const SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];

export function createScscfMetrics(metrics: Metrics): ScscfMetrics {
  const ends = metrics.counters("reauthentications_total", "Re-authentications by end.", [
    "cause",
    "end",
  ]);
  const durations = metrics.histogram(
    "reauthentication_seconds",
    "From the asking to the end.",
    SECONDS,
  );
  const told = metrics.counters("webhook_events_total", "Ends for the webhook by outcome.", [
    "outcome",
  ]);
  const rulesNamed = new Set<string>();
  /** Its label: bounded, whatever policies and campaigns there have been. */
  const labelOf = (cause: string): string => {
    if (!cause.startsWith("policy:")) return cause.replace(/^campaign:.*/, "campaign");
    if (rulesNamed.size < MOST_RULES_NAMED) rulesNamed.add(cause);
    return rulesNamed.has(cause) ? cause : "policy:other";
  };
  return {
    endpoint: endpointCounters(metrics),
    countWebhook: (outcome, events) => told(outcome).inc(events),
    on(event: RegistrationEvent) {
      if (event.kind !== "reauthentication-ended") return;
      const { cause, end, requestedAt, endedAt } = event.reauthentication;
      ends(labelOf(cause), end).inc();
      durations.observe((endedAt - requestedAt) / 1000);
    },
    watch(scscf) {
      const gauges: readonly [string, string, () => number][] = [
        ["registrations", "Registered sets of identities.", () => scscf.bindings.setCount],
        ["bindings", "Registered devices.", () => scscf.bindings.size],
        ["subscriptions", "Subscriptions here.", () => scscf.notifier.size],
        ["pcscf_subscriptions", "Our own at P-CSCFs.", () => scscf.pcscfSubscriptions.size],
        ["waiting_messages", "That wait for their turn.", () => scscf.waitingMessages],
        ["policy_waiting", "Due by age, not asked yet for the pace.", () => scscf.policy.waiting],
        ["reauthentications", "Now due.", () => scscf.reauthentications.runningCount],
        ["campaigns", "That go on.", () => scscf.campaigns.size],
        ["network_faults", "Rules of the network that hold.", () => scscf.networkFaults.size],
      ];
      const { cluster } = scscf;
      if (cluster !== undefined)
        metrics.gauge("cluster_sets", "Registration sets of this node.", () => cluster.users.size);
      for (const [name, help, read] of gauges) metrics.gauge(name, help, read);
      const { switches } = scscf.faults;
      metrics.gauges("faults", "Faults that are on.", "fault", () => switches.counts);
    },
  };
}
