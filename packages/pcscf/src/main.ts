// The P-CSCF as a process: real sockets, real time. Design section 1.

import type { Clock } from "@ims-lab/common/platform/clock";
import { adminServer } from "@ims-lab/common/platform/http";
import {
  type NodeTools,
  productVersion,
  type RunningNode,
  runNode,
} from "@ims-lab/common/platform/lifecycle";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { systemResolver } from "@ims-lab/common/sip/resolver";
import { tcpTransport } from "@ims-lab/common/sip/transport/tcp";
import {
  formatHostPort,
  type HostPort,
  type Transport,
} from "@ims-lab/common/sip/transport/transport";
import { udpTransport } from "@ims-lab/common/sip/transport/udp";
import { openTrace } from "@ims-lab/common/trace/node-trace";
import { addRoutes } from "./admin/routes.ts";
import { type PcscfConfig, settings } from "./config.ts";
import { createPcscf } from "./node.ts";

/** By which a HEP collector tells the nodes apart. */
const CAPTURE_ID = 2002;

await runNode(process, { ...settings, start });

async function start(config: PcscfConfig, { log, clock }: NodeTools): Promise<RunningNode> {
  const metrics = createMetrics({ node: "pcscf", processFigures: true });
  const traced = openTrace(config.trace, { node: "pcscf", captureId: CAPTURE_ID, log });
  const pcscf = createPcscf({
    config,
    clock,
    random: cryptoRandom(),
    log,
    metrics,
    resolver: systemResolver(clock),
    transports: { access: bothAt(config.access, clock), core: bothAt(config.core, clock) },
    ...(traced.trace !== undefined && { trace: traced.trace }),
  });
  let ready = false;
  const admin = await adminServer({
    settings: config.http,
    log,
    title: "ims-lab P-CSCF",
    version: productVersion(),
    metrics,
    ready: () => ready,
  });
  addRoutes(admin, pcscf);
  await pcscf.start();
  const http = await admin.listen({ host: config.http.host, port: config.http.port });
  ready = true;
  return {
    addresses: { access: addressOf(pcscf.access.local), core: addressOf(pcscf.core.local), http },
    async stop() {
      ready = false;
      await pcscf.stop();
      await Promise.all([admin.close(), traced.close()]);
    },
  };
}

function bothAt(at: HostPort, clock: Clock): readonly Transport[] {
  const { host, port } = at;
  return [udpTransport({ host, port }), tcpTransport({ host, port, clock })];
}

function addressOf(local: readonly HostPort[]): string {
  const [first] = local;
  return first === undefined ? "" : formatHostPort(first);
}
