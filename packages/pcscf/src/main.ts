// The P-CSCF as a process: real sockets, real time.

import { nextTurn } from "@ims-lab/common/platform/clock";
import { adminServer } from "@ims-lab/common/platform/http";
import {
  type NodeTools,
  productVersion,
  type RunningNode,
  runNode,
} from "@ims-lab/common/platform/lifecycle";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { openFilesLimit } from "@ims-lab/common/platform/open-files";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { withinOpenFiles } from "@ims-lab/common/sip/admission/connection-limit";
import { streamLimitsOf } from "@ims-lab/common/sip/admission/limits";
import { systemResolver } from "@ims-lab/common/sip/dns/resolver";
import { shownAddresses, transportsOf } from "@ims-lab/common/sip/transport/listeners";
import { openStore } from "@ims-lab/common/store/open-store";
import { openTrace } from "@ims-lab/common/trace/node-trace";
import { addRoutes } from "./admin/routes.ts";
import { type PcscfConfig, settings } from "./config.ts";
import type { StoredState } from "./durable-state.ts";
import { createPcscf } from "./node.ts";
import { TABLES } from "./rows.ts";

/** By which a HEP collector tells the nodes apart. */
const CAPTURE_ID = 2002;

function oneFamily(host: string): string {
  const [own, other] = host.includes(":") ? ["IPv6", "IPv4"] : ["IPv4", "IPv6"];
  return `the access side listens on ${host}, ${own} only: devices with ${other} hear nothing (access.host)`;
}

await runNode(process, { ...settings, start });

async function start(config: PcscfConfig, { log, clock }: NodeTools): Promise<RunningNode> {
  const metrics = createMetrics({ node: "pcscf", processFigures: true });
  const traced = openTrace(config.trace, { node: "pcscf", captureId: CAPTURE_ID, log });
  const {
    access,
    core,
    http: { maxConnections },
  } = config;
  const openFiles = { limit: openFilesLimit(), http: maxConnections, sides: [access, core], log };
  const limits = streamLimitsOf(withinOpenFiles(config.limits, openFiles));
  const stored = await openState(config, { clock, log });
  const pcscf = createPcscf({
    config,
    clock,
    random: cryptoRandom(),
    log,
    metrics,
    resolver: systemResolver(clock),
    transports: {
      access: transportsOf(access, { side: "access", clock, log, limits }),
      core: transportsOf(core, { side: "core", clock, log, limits }),
    },
    nextTurn,
    interceptors: traced.interceptors,
    stored,
  });
  let ready = false;
  const admin = await adminServer({
    settings: config.http,
    log,
    node: "P-CSCF",
    version: productVersion(),
    metrics,
    ready: () => ready,
  });
  addRoutes(admin, pcscf, { clock });
  let http: string;
  try {
    await pcscf.start();
    http = await admin.listen({ host: config.http.host, port: config.http.port });
  } catch (problem) {
    await stored?.store.close();
    throw problem;
  }
  log.info("access.one-family", { why: oneFamily(config.access.host) });
  ready = true;
  return {
    addresses: {
      access: shownAddresses(pcscf.access.local),
      core: shownAddresses(pcscf.core.local),
      http,
    },
    async stop() {
      ready = false;
      await pcscf.stop();
      await Promise.all([admin.close(), traced.close()]);
    },
  };
}

/** Undefined: nothing outlives the process, and nothing is done for it. */
async function openState(
  config: PcscfConfig,
  { clock, log }: NodeTools,
): Promise<StoredState | undefined> {
  if (config.store === "memory") return undefined;
  const store = await openStore(config, {
    node: "pcscf",
    tables: TABLES,
    clock,
    log,
    random: cryptoRandom(),
  });
  try {
    return { store, contents: await store.load() };
  } catch (problem) {
    await store.close();
    throw problem;
  }
}
