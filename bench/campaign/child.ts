// Both nodes and their devices in this process, on the system's time while the campaign runs. Run by campaign.ts.
import { nextTurn, systemClock } from "@ims-lab/common/platform/clock";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { openOf } from "../../packages/scscf/src/campaigns/campaign.ts";
import { percentilesOf } from "../../packages/scscf/src/campaigns/latency-histogram.ts";
import { memoryStore } from "../../packages/scscf/src/store/memory-store.ts";
import { Devices } from "../nodes/devices.ts";
import { startNodesOn } from "../nodes/lab.ts";
import { LeapingTime } from "../nodes/leaping-time.ts";
import type { CampaignResult } from "./campaign.ts";

const [users = 0, pace = 0] = process.argv.slice(2).map(Number);
const real = systemClock();
const time = new LeapingTime(real);
const clock = systemClock(time.now);

let repeatedByScscf = 0;
const askings: number[] = [];
const pcscf = createMetrics({ node: "pcscf", processFigures: false });
const nodes = await startNodesOn(clock, users, 2, memoryStore(), {
  pcscf,
  scscf: {
    counters: {
      count: (event) => {
        if (event === "retransmission-out") repeatedByScscf += 1;
      },
    },
    metrics: {
      on: (event) => {
        if (event.kind === "reauthentication-asked") askings.push(real.now());
      },
    },
  },
});
const devices = new Devices(nodes, { behindPcscf: true, subscribe: true });
await nodes.devices.listen(devices);

const SETTLED_MS = 60_000;
const WAKE_MS = 100;
const TURNS_TO_SETTLE = 5;

await register();
const result = await run();
process.stdout.write(JSON.stringify(result));
process.exit(0);

/** On a time that leaps: nothing here waits. */
async function register(): Promise<void> {
  for (let user = 1; user <= users; user++) {
    devices.register(user);
    nodes.wire.carry();
    time.leap(1);
    // Transactions end meanwhile, as they would.
    if (user % 1000 === 0) await passed();
  }
  if (devices.done !== users) throw new Error(`${devices.done} of ${users} registered`);
  time.leap(SETTLED_MS);
  await passed();
}

/** The clock looks at the time, what is due has run, and what that sent has arrived. */
async function passed(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) {
    await new Promise<void>((resolve) => {
      clock.after(0, () => nextTurn(resolve));
    });
    nodes.wire.carry();
  }
}

async function run(): Promise<CampaignResult> {
  const { campaigns } = nodes.scscf;
  nodes.wire.wake = () => nextTurn(() => nodes.wire.carry());
  devices.subscribing = false;
  time.go();
  await passed();
  const before = await repeatedMessages();
  const order = { filter: {}, percent: 100, pacePerSecond: pace, jitter: 0, seed: "bench" };
  const selection = await campaigns.select(order);
  const cpuBefore = process.cpuUsage();
  const began = real.now();
  const { id } = await campaigns.start(order, selection);
  for (;;) {
    await new Promise<void>((resolve) => void real.after(WAKE_MS, resolve));
    const { status } = campaigns.get(id) ?? {};
    if (status === "finished") break;
  }
  const elapsed = real.now() - began;
  const { user, system } = process.cpuUsage(cpuBefore);
  const campaign = campaigns.get(id);
  if (campaign === undefined || openOf(campaign) > 0) throw new Error("the campaign is not over");
  const seconds = ((askings.at(-1) ?? 0) - (askings[0] ?? 0)) / 1000;
  const latency = percentilesOf(campaign.latency);
  return {
    users,
    pace,
    reached: (askings.length - 1) / seconds,
    most: mostWithinASecond(),
    retransmissions: (await repeatedMessages()) - before,
    ends: Object.entries(campaign.ends)
      .map(([end, count]) => `${count} ${end}`)
      .join(", "),
    cpu: (user + system) / users,
    share: (user + system) / 1000 / elapsed,
    p50: latency?.p50 ?? Number.NaN,
    p99: latency?.p99 ?? Number.NaN,
  };
}

async function repeatedMessages(): Promise<number> {
  const lines = (await pcscf.text()).matchAll(
    /^sip_events_total\{[^}]*event="retransmission-out"[^}]*\} (\d+)$/gm,
  );
  return [...lines].reduce((sum, [, count]) => sum + Number(count), repeatedByScscf);
}

/** The clock's own fractions aside. */
function mostWithinASecond(): number {
  let [most, from] = [0, 0];
  for (const [at, asked] of askings.entries()) {
    while ((askings[from] ?? 0) + 999.9 <= asked) from++;
    most = Math.max(most, at - from + 1);
  }
  return most;
}
