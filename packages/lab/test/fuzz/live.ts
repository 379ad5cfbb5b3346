// Live flows over damaging wires, insiders, damaged HTTP; then peace, and everybody must be well.
import type { Clock } from "@ims-lab/common/platform/clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import type { Faults } from "./faults.ts";
import { PCSCF_REQUESTS, SCSCF_REQUESTS, ueRequests } from "./http-requests.ts";
import { HttpThrower } from "./http-thrower.ts";
import type { Insider } from "./insider.ts";
import { actOnce, atPace } from "./live-flows.ts";
import { HTTP, INSIDER, type LiveNodes, PHONES } from "./live-nodes.ts";
import { judgeMemory, SETTLED_MS } from "./memory.ts";
import { HOST } from "./processes.ts";
import { Recovery } from "./recovery.ts";

/** The same load on every machine. */
const PER_SECOND = { acts: 12, insider: 40, http: 10 } as const;
/** So long they do harm before there is peace. */
const ROUND_MS = 14_000;
/** What was late has come by then. */
const SETTLING_MS = 1_000;

export interface LiveOptions {
  readonly clock: Clock;
  readonly seconds: number;
  readonly seed: number;
  readonly faults: Faults;
  readonly nodes: LiveNodes;
  readonly insider: Insider;
}

export interface LiveResult {
  readonly rounds: number;
  readonly harmed: number;
  /** Octets since memory had settled; undefined when the run was too short for that. */
  readonly grown: number | undefined;
}

/** Rejects when somebody is not well again after a round. */
export async function runLive(options: LiveOptions): Promise<LiveResult> {
  const { clock, seconds, seed, nodes, faults } = options;
  const random = seededRandom(seed * 10 + 4);
  const http = new HttpThrower(httpTargets(), INSIDER, faults);
  const start = clock.now();
  let rounds = 0;
  let baseline: number | undefined;
  do {
    const until = Math.min(clock.now() + ROUND_MS, start + seconds * 1000);
    nodes.setHonest(false);
    await Promise.all([
      atPace(clock, { perSecond: PER_SECOND.acts, until }, () => actOnce(random, faults)),
      atPace(clock, { perSecond: PER_SECOND.insider, until }, () =>
        options.insider.sayOne(nodes.passed().flat(), random),
      ),
      atPace(clock, { perSecond: PER_SECOND.http, until }, () => http.throwOne(random)),
    ]);
    nodes.setHonest(true);
    http.close();
    await new Promise<void>((resolve) => clock.after(SETTLING_MS, resolve));
    await nodes.checkHealth();
    const peace = clock.now();
    await new Recovery(clock, nodes).check();
    rounds += 1;
    const recovery = `all well after ${Math.round(clock.now() - peace)} ms`;
    process.stderr.write(`live round ${rounds}: ${nodes.harmed()} harmed, ${recovery}\n`);
    if (clock.now() > start + SETTLED_MS) baseline ??= nodes.memory();
  } while (clock.now() + SHORTEST_ROUND_MS < start + seconds * 1000);
  const grown = judgeMemory("the live nodes", baseline, nodes.memory());
  return { rounds, harmed: nodes.harmed(), grown };
}

/** What would be left for a further round must be worth it. */
const SHORTEST_ROUND_MS = 6_000;

function httpTargets(): ConstructorParameters<typeof HttpThrower>[0] {
  return [
    { name: "live scscf", host: HOST, port: HTTP.scscf, requests: SCSCF_REQUESTS },
    { name: "live pcscf", host: HOST, port: HTTP.pcscf, requests: PCSCF_REQUESTS },
    ...PHONES.map(({ name, http, impus }) => ({
      name,
      host: HOST,
      port: http,
      requests: ueRequests(impus[0] ?? ""),
    })),
  ];
}
