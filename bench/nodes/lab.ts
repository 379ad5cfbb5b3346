// Both nodes in this process, joined without sockets, on a clock that moves when told.

import type { Clock } from "@ims-lab/common/platform/clock";
import { loadConfig, type Settings } from "@ims-lab/common/platform/config";
import { nullLogger } from "@ims-lab/common/platform/logger";
import { createMetrics, type Metrics } from "@ims-lab/common/platform/metrics";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { settings as pcscfSettings } from "../../packages/pcscf/src/config.ts";
import { createPcscf } from "../../packages/pcscf/src/node.ts";
import { settings as scscfSettings } from "../../packages/scscf/src/config.ts";
import { createScscf, type Scscf, type ScscfTools } from "../../packages/scscf/src/node.ts";
import { memoryStore } from "../../packages/scscf/src/store/memory-store.ts";
import type { Store } from "../../packages/scscf/src/store/store.ts";
import { parseSubscribers } from "../../packages/scscf/src/subscribers/load.ts";
import { type Pipe, Wire } from "./pipe.ts";
import { DOMAIN, subscribersFile } from "./users.ts";

const HOST = "127.0.0.1";
const ACCESS: HostPort = { host: HOST, port: 5060 };
const CORE = { host: HOST, port: 4060 };
const SERVING = { host: HOST, port: 6060 };
const DEVICES = { host: HOST, port: 5070 };

export interface NodesInProcess<C extends Clock = FakeClock> {
  readonly clock: C;
  readonly scscf: Scscf;
  readonly wire: Wire;
  /** Where the devices are. */
  readonly devices: Pipe;
  /** What the devices send to. */
  readonly edge: HostPort;
}

/** What a bench sees of the nodes. */
export interface Watch {
  readonly scscf: Partial<Pick<ScscfTools, "counters" | "metrics">>;
  readonly pcscf: Metrics;
}

/** @param hops 2: through the P-CSCF; 1: the devices stand where the P-CSCF would */
export function startNodes(users: number, hops: 1 | 2): Promise<NodesInProcess> {
  return startNodesOn(new FakeClock(), users, hops, memoryStore());
}

/** @param watch absent: neither counts its messages */
export async function startNodesOn<C extends Clock>(
  clock: C,
  users: number,
  hops: 1 | 2,
  store: Store,
  watch?: Watch,
): Promise<NodesInProcess<C>> {
  const wire = new Wire();
  const random = cryptoRandom();
  const subscribers = parseSubscribers(subscribersFile(users));
  if (subscribers.kind === "refused") throw new Error(subscribers.problems.join("\n"));
  const scscf = createScscf(
    configOf(scscfSettings, [
      `--domain=${DOMAIN}`,
      "--pcscf.subscribe=false",
      // A million users take a quarter of an hour of this clock: those who came first are there to the end.
      "--subscription.optionalMaxExpiresSeconds=3600",
    ]),
    {
      clock,
      random,
      log: nullLogger,
      transports: [wire.at(SERVING)],
      subscribers,
      store,
      ...watch?.scscf,
    },
  );
  await scscf.listen();
  if (hops === 1) return { clock, scscf, wire, devices: wire.at(CORE), edge: SERVING };
  const pcscf = createPcscf({
    config: configOf(pcscfSettings, []),
    clock,
    random,
    log: nullLogger,
    metrics: watch?.pcscf ?? createMetrics({ node: "pcscf", processFigures: false }),
    resolver: { resolve: (host) => Promise.resolve([host]) },
    transports: { access: [wire.at(ACCESS)], core: [wire.at(CORE)] },
  });
  await pcscf.start();
  return { clock, scscf, wire, devices: wire.at(DEVICES), edge: ACCESS };
}

function configOf<C>(settings: Settings<C>, argv: readonly string[]): C {
  const loaded = loadConfig(settings, { argv, env: {}, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}
