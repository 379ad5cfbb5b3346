// Counts of an endpoint: by event and label, few whatever peers write.
import { expect, test } from "vitest";
import { createMetrics } from "../../../src/platform/metrics.ts";
import { endpointCounters, endpointCountersBySide } from "../../../src/sip/endpoint/metrics.ts";

const METRICS = { node: "scscf", processFigures: false };

test("one count for each event and label, again and again", async () => {
  const metrics = createMetrics(METRICS);
  const counters = endpointCounters(metrics);
  for (let times = 0; times < 3; times++) counters.count("request-in", "REGISTER");
  counters.count("request-out", "REGISTER");
  counters.count("response-in", "2xx");
  counters.count("dropped", "too many connections");
  counters.count("dropped", "too many connections");
  const text = await metrics.text();
  for (const [event, label, count] of [
    ["request-in", "REGISTER", 3],
    ["request-out", "REGISTER", 1],
    ["response-in", "2xx", 1],
    ["dropped", "too-many-connections", 2],
  ])
    expect(text).toContain(
      `sip_events_total{event="${event}",label="${label}",node="scscf"} ${count}`,
    );
});

test("methods that peers make up are one label", async () => {
  const metrics = createMetrics(METRICS);
  const counters = endpointCounters(metrics);
  for (let times = 0; times < 1_000; times++) counters.count("request-in", `MADEUP${times}`);
  counters.count("request-in", "INVITE");
  const lines = (await metrics.text()).match(/^sip_events_total\{.*$/gm);
  expect(lines).toEqual([
    'sip_events_total{event="request-in",label="other",node="scscf"} 1000',
    'sip_events_total{event="request-in",label="INVITE",node="scscf"} 1',
  ]);
});

test("two sides of a node are counted apart", async () => {
  const metrics = createMetrics(METRICS);
  const bySide = endpointCountersBySide(metrics);
  const [access, core] = [bySide("access"), bySide("core")];
  access.count("request-in", "REGISTER");
  for (let times = 0; times < 2; times++) core.count("request-in", "REGISTER");
  const text = await metrics.text();
  const shown = (side: string): string =>
    `sip_events_total{side="${side}",event="request-in",label="REGISTER",node="scscf"}`;
  expect(text).toContain(`${shown("access")} 1\n`);
  expect(text).toContain(`${shown("core")} 2\n`);
});
