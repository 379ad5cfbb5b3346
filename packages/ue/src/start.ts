// Assembly and start of the UE node from its settings.

import { ueFaults } from "@ims-lab/common/admin-api/faults";
import { beginWithFaults } from "@ims-lab/common/faults/fault-setting";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import { cidrContains } from "@ims-lab/common/platform/cidr";
import { type Clock, nextTurn } from "@ims-lab/common/platform/clock";
import { productVersion, type RunningNode } from "@ims-lab/common/platform/lifecycle";
import { logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Logger } from "@ims-lab/common/platform/logger";
import { createMetrics, type Metrics } from "@ims-lab/common/platform/metrics";
import type { Random } from "@ims-lab/common/platform/random";
import { streamLimitsOf } from "@ims-lab/common/sip/admission/limits";
import type { RequestQueue } from "@ims-lab/common/sip/admission/request-queue";
import type { EndpointCounters } from "@ims-lab/common/sip/endpoint/endpoint";
import { endpointLimits, requestQueueOf } from "@ims-lab/common/sip/endpoint/limits";
import { endpointCounters } from "@ims-lab/common/sip/endpoint/metrics";
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import { transportOf } from "@ims-lab/common/sip/transport/listeners";
import type { HostPort, Transport } from "@ims-lab/common/sip/transport/transport";
import { udpTransport } from "@ims-lab/common/sip/transport/udp";
import { type NodeTrace, openTrace } from "@ims-lab/common/trace/node-trace";
import { MediaSink } from "./call/media-sink.ts";
import { packageOf, timersOf, type UeConfig } from "./config.ts";
import { controlServer } from "./control/server.ts";
import { MovableTransport } from "./faults/movable-transport.ts";
import { UeFaults } from "./faults/ue-faults.ts";
import { UeNode } from "./node.ts";
import { CoreStack } from "./stack/core.ts";
import { freePort, NpmSipStack } from "./stack/npm-sip.ts";
import type { Stack } from "./stack/stack.ts";
import type { UeSettings } from "./user-equipment.ts";
import { usersOf } from "./users.ts";

export interface UeTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface StackTools extends UeTools {
  readonly faults: UeFaults;
  readonly interceptors: NodeTrace["interceptors"];
  readonly counters: EndpointCounters;
  readonly queue: RequestQueue | undefined;
}

/** HEP capture agent id of the UE. */
const CAPTURE_ID = 3;

/** Resolves when the UEs listen; those that shall register start to then. */
export async function startUe(config: UeConfig, tools: UeTools): Promise<RunningNode> {
  const traces = openTrace(config.trace, { node: "ue", captureId: CAPTURE_ID, log: tools.log });
  const metrics = createMetrics({ node: "ue", processFigures: true });
  const counters = endpointCounters(metrics);
  const queue = requestQueueOf(config.limits, tools.clock, nextTurn);
  const { interceptors } = traces;
  const faults = new UeFaults({
    ...tools,
    t1: timersOf(config).t1,
    networkRules: config.networkFaults,
    ...(config.stack === "npm-sip" && {
      whyNoNetworkRules: "the stack npm-sip lets nobody in between",
    }),
  });
  const node = new UeNode({
    ...tools,
    faults,
    settings: settingsOf(config),
    reginfo: new ReginfoReader({
      log: tools.log,
      limits: config.limits,
      onLimited: (limit) => counters.count("limited", limit),
    }),
    users: usersOf(config, {
      random: tools.random,
      onFileFailed: fileWarning(tools),
      faultsOf: (impi) => faults.isimFaults(impi),
    }),
    perSecond: config.registration.perSecond,
    stackFor: (index) =>
      stackOf(config, { ...tools, faults, interceptors, counters, queue }, index),
    mediaFor: () => mediaOf(config),
  });
  await node.listen();
  beginWithFaults(faults.switches, ueFaults, config.faults);
  addMetrics(metrics, node, faults);
  const app = await controlServer({
    settings: config.http,
    log: tools.log,
    metrics,
    version: productVersion(),
    clock: tools.clock,
    node,
  });
  const http = await app.listen({ host: config.http.host, port: config.http.port });
  if (config.registration.auto) node.registerAll();
  return {
    addresses: { sip: node.address, http },
    stop: async () => {
      await app.close();
      await node.close();
      await traces.close();
    },
  };
}

/** Once in ten minutes for each file. */
function fileWarning({ clock, log }: UeTools): (path: string, why: string) => void {
  const mayLog = logRateLimit(clock, 600_000);
  return (path, why) => {
    if (mayLog(path)) log.warn("sqn-file.failed", { setting: "user.sqnFile", path, why });
  };
}

function settingsOf(config: UeConfig): UeSettings {
  const proxy = { ...proxyOf(config), transport: config.transport };
  const { advertise } = config.sip;
  // A P-CSCF given by name is in no network: the first entry is then as good as any.
  const advertised =
    advertise.find(({ forPeers }) => cidrContains(forPeers, proxy.host)) ?? advertise[0];
  return {
    proxy,
    expiresSeconds: config.registration.expiresSeconds,
    checkSeconds: checkSecondsOf(config),
    subscription: {
      event: packageOf(config),
      expiresSeconds: config.subscription.expiresSeconds,
    },
    t1: timersOf(config).t1,
    t2: timersOf(config).t2,
    calls: config.calls,
    advertised,
  };
}

/** All UEs of the process together ask no more often than they register. */
function checkSecondsOf({ registration, count }: UeConfig): number {
  const { checkSeconds, perSecond } = registration;
  return checkSeconds === 0 ? 0 : Math.max(checkSeconds, count / perSecond);
}

function proxyOf(config: UeConfig): HostPort {
  const uri = parseUri(config.pcscf);
  if (!isSip(uri)) throw new Error("the schema let a P-CSCF that is no SIP URI through");
  const usual = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 } as const;
  return { host: uri.host, port: uri.port ?? usual[config.transport] };
}

function stackOf(config: UeConfig, tools: StackTools, index: number): Stack {
  const { clock, random, log, faults, interceptors, counters, queue } = tools;
  const { host } = config.sip;
  const port = config.sip.port === 0 ? 0 : config.sip.port + index;
  const transport = (at: number): Transport =>
    transportOf(
      config.transport,
      { host, port: at },
      {
        clock,
        log,
        tls: config.tls,
        limits: streamLimitsOf(config.limits),
      },
    );
  if (config.stack === "core") {
    const movable = new MovableTransport(transport(port), () => transport(0));
    return new CoreStack({
      name: "ue",
      clock,
      random,
      log,
      counters,
      timers: timersOf(config),
      transport: movable,
      move: () => movable.move(),
      pongs: config.registration.pongs,
      ...endpointLimits(config.limits, { queue }),
      interceptors: [faults.network.towards("P"), ...interceptors],
    });
  }
  return new NpmSipStack({
    clock,
    random,
    transport: config.transport === "tcp" ? "tcp" : "udp",
    host,
    findPort: () => (port === 0 ? freePort(transport(0)) : Promise.resolve(port)),
    interceptors,
    onTrouble: (reason) => log.warn("stack.trouble", { reason }),
  });
}

/** A thousand UEs that are there for load need no audio. */
const MOST_SINKS = 100;
const MEDIA_BUFFER_BYTES = 65_536;

function mediaOf({ calls, count, sip }: UeConfig): MediaSink | undefined {
  if (!calls.media || count > MOST_SINKS) return undefined;
  const { host } = sip;
  return new MediaSink(udpTransport({ host, port: 0, socketBufferBytes: MEDIA_BUFFER_BYTES }));
}

function addMetrics(metrics: Metrics, node: UeNode, faults: UeFaults): void {
  metrics.gauge("network_faults", "Rules of the network that hold.", () => faults.network.size);
  metrics.gauges("faults", "Faults that are on.", "fault", () => faults.switches.counts);
  metrics.gauges("ue_registrations", "UEs by state of their registration.", "state", () => {
    const counts = new Map<string, number>();
    for (const { view } of node.ues) {
      const { state } = view.registration;
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  });
}
