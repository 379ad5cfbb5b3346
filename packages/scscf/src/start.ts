// Starts an S-CSCF over real sockets with its admin interface; stops it within 1.5 s.

import { milenageSelfTest } from "@ims-lab/common/ims/milenage";
import { nextTurn } from "@ims-lab/common/platform/clock";
import { SettingError } from "@ims-lab/common/platform/config/error";
import { adminServer } from "@ims-lab/common/platform/http";
import { isLoopback } from "@ims-lab/common/platform/ip-address";
import {
  type NodeTools,
  productVersion,
  type RunningNode,
} from "@ims-lab/common/platform/lifecycle";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { openFilesLimit } from "@ims-lab/common/platform/open-files";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { withinOpenFiles } from "@ims-lab/common/sip/admission/connection-limit";
import { streamLimitsOf } from "@ims-lab/common/sip/admission/limits";
import { shownAddresses, transportsOf } from "@ims-lab/common/sip/transport/listeners";
import { openTrace } from "@ims-lab/common/trace/node-trace";
import { addRoutes } from "./admin/routes.ts";
import { openUsersStore } from "./cluster/open.ts";
import type { ScscfConfig } from "./config.ts";
import { createScscfMetrics } from "./metrics.ts";
import { createScscf } from "./node.ts";
import { foreignUsers } from "./subscribers/foreign-users.ts";
import { type LoadedSubscribers, loadSubscribers } from "./subscribers/load.ts";

export async function startScscf(
  config: ScscfConfig,
  { log, clock }: NodeTools,
): Promise<RunningNode> {
  const subscribers = readSubscribers(config);
  for (const notice of subscribers.notices) log.info("subscribers.notice", { notice });
  const why = foreignUsers(subscribers.samples, config.domain);
  if (why !== undefined) log.warn("subscribers.foreign-domain", { why, setting: "domain" });
  if (!milenageSelfTest()) throw new Error("Milenage fails the test sets of TS 35.208");
  const metrics = createMetrics({ node: "scscf", processFigures: true });
  const counted = createScscfMetrics(metrics);
  const trace = openTrace(config.trace, { node: "scscf", captureId: CAPTURE_ID, log });
  const { sip } = config;
  const { maxConnections } = config.http;
  const openFiles = { limit: openFilesLimit(), http: maxConnections, sides: [sip], log };
  const limits = streamLimitsOf(withinOpenFiles(config.limits, openFiles));
  const transports = transportsOf(sip, { side: "sip", clock, log, limits });
  const { store, shared } = await openUsersStore(config, { clock, log, random: cryptoRandom() });
  const scscf = createScscf(config, {
    clock,
    random: cryptoRandom(),
    log,
    transports,
    subscribers,
    store,
    shared,
    counters: counted.endpoint,
    nextTurn,
    metrics: counted,
    fetch,
    interceptors: trace.interceptors,
  });
  counted.watch(scscf);
  let ready = false;
  const app = await adminServer({
    settings: config.http,
    log,
    node: "S-CSCF",
    version: productVersion(),
    metrics,
    ready: () => ready,
  });
  addRoutes(app, scscf, { clock });
  let http: string;
  try {
    await scscf.listen();
    http = await app.listen({ host: config.http.host, port: config.http.port });
  } catch (problem) {
    await store.close();
    throw problem;
  }
  ready = true;
  return {
    addresses: {
      sip: shownAddresses(transports.map(({ name, local }) => ({ transport: name, ...local }))),
      http,
    },
    stop: async () => {
      ready = false;
      await Promise.all([app.close(), scscf.stop()]);
      await trace.close();
    },
  };
}
const CAPTURE_ID = 2003;

function readSubscribers(config: ScscfConfig): LoadedSubscribers {
  const loaded = loadSubscribers(config.subscribers);
  if (loaded.kind === "refused") {
    throw new SettingError("subscribers", config.subscribers, loaded.problems.join("; "));
  }
  const { aka, digest } = loaded.options;
  const isFixed = aka.fixedVectors.length + digest.fixedNonces.length > 0;
  if (isFixed && !isLoopback(config.sip.host)) {
    // Whoever knows the nonces ahead can answer them ahead.
    const allowed = "a loopback address while the subscribers file has fixed vectors or nonces";
    throw new SettingError("sip.host", config.sip.host, allowed);
  }
  return loaded;
}
