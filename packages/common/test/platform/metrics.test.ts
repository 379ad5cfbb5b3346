// Figures as Prometheus reads them.
import { expect, it } from "vitest";
import { createMetrics } from "../../src/platform/metrics.ts";

it("counts by label, reads gauges at the scrape, names the node", async () => {
  const metrics = createMetrics({ node: "scscf", processFigures: false });
  const ends = metrics.counters("reauthentications_total", "By end.", ["cause", "end"]);
  const ignored = ends("operator", "ignored");
  ignored.inc();
  ends("operator", "ignored").inc(2);
  metrics.counter("messages_total", "All.").inc();
  metrics.histogram("reauthentication_seconds", "How long.", [1, 10]).observe(5);
  metrics.histograms("step_seconds", "How long.", [1], ["step"])("notify").observe(0.5);
  let registered = 1;
  metrics.gauge("registrations", "Now.", () => registered);
  metrics.gauges("bindings", "By state.", "state", () => [["active", registered]]);
  registered = 7;
  const text = await metrics.text();
  expect(text).toContain('reauthentications_total{cause="operator",end="ignored",node="scscf"} 3');
  expect(text).toContain('messages_total{node="scscf"} 1');
  expect(text).toContain('reauthentication_seconds_bucket{le="10",node="scscf"} 1');
  expect(text).toContain('step_seconds_bucket{le="1",node="scscf",step="notify"} 1');
  expect(text).toContain('registrations{node="scscf"} 7');
  expect(text).toContain('bindings{state="active",node="scscf"} 7');
});

it("keeps two nodes in one process apart", async () => {
  const [a, b] = ["pcscf", "scscf"].map((node) => createMetrics({ node, processFigures: false }));
  a?.counter("messages_total", "All.").inc();
  b?.counter("messages_total", "All.").inc(5);
  expect(await a?.text()).toContain('messages_total{node="pcscf"} 1');
});

it("shows the event loop's lag", async () => {
  const metrics = createMetrics({ node: "ue", processFigures: true });
  expect(await metrics.text()).toContain("nodejs_eventloop_lag_p99_seconds");
});
