// The P-CSCF put together: two endpoints, bindings, relaying, notifier. Everything outside comes in as an argument.

import { NetworkFaults } from "@ims-lab/common/faults/network-faults";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Advertised } from "@ims-lab/common/platform/cidr";
import { cidrContains } from "@ims-lab/common/platform/cidr";
import type { Clock, NextTurn } from "@ims-lab/common/platform/clock";
import { isIp } from "@ims-lab/common/platform/ip-address";
import { logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Metrics } from "@ims-lab/common/platform/metrics";
import type { Random } from "@ims-lab/common/platform/random";
import { SummedLines } from "@ims-lab/common/platform/summed-lines";
import { Backpressure } from "@ims-lab/common/sip/admission/backpressure";
import type { RequestQueue } from "@ims-lab/common/sip/admission/request-queue";
import type { Resolver } from "@ims-lab/common/sip/dns/resolver";
import {
  type AdvertiseRule,
  createEndpoint,
  type Endpoint,
  type Incoming,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { Interceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { endpointLimits, requestQueueOf } from "@ims-lab/common/sip/endpoint/limits";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { ProxyCore } from "@ims-lab/common/sip/proxy/proxy";
import { destinationOf, takeNextHop } from "@ims-lab/common/sip/proxy/route";
import { PING } from "@ims-lab/common/sip/transport/keep-alive";
import {
  formatHostPort,
  type HostPort,
  provenNames,
  type Transport,
} from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "./bindings/binding.ts";
import { FlowTable } from "./bindings/flow-table.ts";
import { HeldAnswers } from "./bindings/held-answers.ts";
import { KeepAlive } from "./bindings/keep-alive.ts";
import { createTokens } from "./bindings/token.ts";
import type { PcscfConfig } from "./config.ts";
import { DurableState, type StoredState } from "./durable-state.ts";
import { AccessHistory } from "./history.ts";
import { pcscfMetrics } from "./metrics.ts";
import { ReregistrationNotifier } from "./notifier/reregistration-notifier.ts";
import { BindingPolicy } from "./policy/binding-policy.ts";
import { PolicyControl } from "./policy/policy-control.ts";
import { policyOf } from "./policy/rules.ts";
import { RegEventSubscriptions } from "./reg-event/reg-event-subscriptions.ts";
import { RegisterRelay } from "./register/register.ts";
import { AccessSide } from "./requests/access-side.ts";
import { CoreSide } from "./requests/core-side.ts";
import { ScscfCluster } from "./scscfs/cluster.ts";
import { optionsProbe } from "./scscfs/probe.ts";
import { ScscfPool } from "./scscfs/scscf-pool.ts";
import { PrivateDialogs } from "./sides/private-dialogs.ts";
import { coreSide, pathUri, type Relay, scscfUri, scscfUris } from "./sides/sides.ts";
import { trustedSources } from "./trusted-sources.ts";

export interface PcscfParts {
  readonly config: PcscfConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly resolver: Resolver;
  /** UDP first: its port is the one told to peers. */
  readonly transports: {
    readonly access: readonly Transport[];
    readonly core: readonly Transport[];
  };
  readonly interceptors?: readonly Interceptor[];
  /** Absent: messages do not wait for their turn. */
  readonly nextTurn?: NextTurn;
  /** Absent: nothing outlives the process. */
  readonly stored?: StoredState | undefined;
}

export interface Pcscf {
  readonly access: Endpoint;
  readonly core: Endpoint;
  readonly table: FlowTable;
  readonly notifier: ReregistrationNotifier;
  readonly history: AccessHistory;
  readonly policy: PolicyControl;
  readonly networkFaults: NetworkFaults;
  start(): Promise<void>;
  /** Refuses new requests, gives those under way a moment, ends. */
  stop(): Promise<void>;
}

/** Long enough for a transaction under way on a healthy network, well below 1.5 s. */
const STOP_GRACE_MS = 300;
const REFUSAL_LOG_MS = 60_000;
const RESOLVE_AGAIN_MS = 5_000;
const NOTHING_TAKEN_OVER = { unanswered: [], forgotten: [] };

export function createPcscf(parts: PcscfParts): Pcscf {
  const { config, clock, random, log, metrics } = parts;
  const counters = pcscfMetrics(metrics);
  const history = new AccessHistory(clock);
  const lines = new SummedLines({ clock, log });
  const queue = requestQueueOf(config.limits, clock, parts.nextTurn);
  const backpressure = new Backpressure();
  const networkFaults = new NetworkFaults({ from: "P", clock, log, rules: config.networkFaults });
  const brakes = { queue, backpressure, history, networkFaults };
  const access = endpointOf(parts, "access", counters.endpoint("access"), brakes);
  const core = endpointOf(parts, "core", counters.endpoint("core"), brakes);
  const graceMs = config.restart.graceSeconds * 1000;
  const durable = parts.stored && new DurableState({ ...parts.stored, clock, log, graceMs });
  const table = new FlowTable({
    clock,
    onChanged: durable && ((token, binding) => durable.changed(token, binding)),
    lingerMs: config.flows.lingerSeconds * 1000,
    onContactGone: (binding, contact, cause) =>
      log.info("binding.contact-gone", { ...named(binding), contact, cause }),
    onGone: (binding, cause) => {
      log.info("binding.gone", { ...named(binding), cause });
      history.note({ impi: binding.impi, impu: binding.impus[0] }, "gone", cause);
      watch.gone(binding);
      bindingPolicy.gone(binding);
    },
    onForgotten: ({ token }) => notifier.forget(token),
  });
  const trust = trustedSources({
    trustedPeers: config.trustedPeers,
    scscf: config.scscf,
    resolver: parts.resolver,
    mayAsk: logRateLimit(clock, RESOLVE_AGAIN_MS),
  });
  const pool = new ScscfPool({
    scscfs: config.scscf,
    clock,
    log,
    probe: optionsProbe({ core, random, ownUri: (scscf) => ownUri(relay, scscf) }),
  });
  const cluster = new ScscfCluster({
    name: config.cluster.name || undefined,
    scscfs: config.scscf,
    pool,
    core,
    clock,
    table,
  });
  const relay: Relay = {
    clock,
    random,
    log,
    settings: { ...config.access, scscf: config.scscf },
    scscfUris: scscfUris(config.scscf),
    cluster,
    counters: counters.relay,
    access,
    core,
    table,
    tokens: createTokens(durable?.tokenKey(random) ?? random.bytes(32)),
    calls: new ProxyCore({ clock }),
    privateDialogs: new PrivateDialogs(),
    history,
    lines,
    mayLog: logRateLimit(clock, REFUSAL_LOG_MS),
    knowsHop: (hop) => trust.isTrusted(hop.host, hop.port, provenNames(hop)),
    corePressed: () => backpressure.press(clock.now()),
  };
  const notifier = new ReregistrationNotifier({
    ...relay,
    send: sendOver(cluster, clock),
    contactOf: ({ token, scscf }) => pathUri(relay, token, scscfUri(relay, scscf)),
    raise: config.subscription.raiseOwn,
    deadlineSeconds: config.reauthentication.deadlineSeconds,
    durable: durable?.askings,
  });
  const watch = new RegEventSubscriptions({
    ...relay,
    reginfo: new ReginfoReader({
      log,
      limits: config.limits,
      onLimited: (limit) => counters.endpoint("core").count("limited", limit),
    }),
    send: sendOver(cluster, clock),
    enabled: config.subscribeReg,
    ownUri: (scscf) => ownUri(relay, scscf),
  });
  const bindingPolicy = new BindingPolicy({
    clock,
    log,
    table,
    policy: policyOf(config),
    ask: (binding) => notifier.askFor(binding),
  });
  const policy = new PolicyControl({
    ...{ clock, log, table },
    inForce: bindingPolicy,
    save: durable?.savePolicy,
  });
  const keepAlive = new KeepAlive({
    clock,
    table,
    intervalMs: config.flows.keepAliveSeconds * 1000,
    ping: (flow) => udpOf(parts)?.send(PING, flow),
  });
  metrics.gauges("scscf_up", "S-CSCFs that answer.", "scscf", () => pool.states());
  const held = new HeldAnswers();
  const registers = new RegisterRelay({
    held,
    relay,
    pool,
    awaitMs: config.authentication.awaitSeconds * 1000,
    whenDurable: durable && ((then) => durable.whenDurable(then)),
    onBound: (binding, authenticated, before) => {
      // A refresh over the same flow is no news, and comes as often as a device likes.
      const isNews = before?.flow.id !== binding.flow.id;
      if (isNews) log.info("binding.bound", { ...named(binding), authenticated });
      else if (log.enabled("debug"))
        log.debug("binding.refreshed", { ...named(binding), authenticated });
      keepAlive.bound(binding);
      // At once: a SUBSCRIBE right behind this 200 must not be told to ask again.
      const wasAsked = authenticated && notifier.authenticated(binding);
      const isConcern = watch.concerns(binding) || bindingPolicy.concerns(binding, before);
      if (!wasAsked && !isConcern) return; // as mostly
      // The UE's 200 leaves first.
      clock.after(0, () => {
        if (table.registered(binding.token) !== undefined) watch.bound(binding, before);
        if (wasAsked) notifier.tell(binding);
        if (table.registered(binding.token) !== undefined)
          bindingPolicy.bound(binding, before, authenticated);
      });
    },
  });
  const own = {
    subscribe: (incoming: Incoming) => notifier.handle(incoming),
    notify: (incoming: Incoming) => watch.handle(incoming),
  };
  const accessSide = new AccessSide(relay, (incoming) => registers.handle(incoming));
  const coreRelay = new CoreSide({ relay, trust, own, held });
  access.onFlowClosed((flow) => bindingPolicy.lost(table.flowClosed(flow)));
  metrics.gauge("registrations", "Bindings of UEs here.", () => table.size);
  metrics.gauge("admitted_share", "Of new work: below 1 when an S-CSCF has too much.", () =>
    backpressure.share(clock.now()),
  );
  metrics.gauge("waiting_messages", "Messages that wait for their turn.", () => queue?.size ?? 0);
  metrics.gauge("subscriptions", "Subscriptions of S-CSCFs here.", () => notifier.size);
  metrics.gauge("network_faults", "Rules of the network that hold.", () => networkFaults.size);
  metrics.gauge("watches", "Own subscriptions to registrations.", () => watch.size);
  metrics.gauge(
    "attempts",
    "REGISTERs challenged, not answered yet.",
    () => registers.challenges.size,
  );

  return {
    access,
    core,
    table,
    notifier,
    history,
    policy,
    networkFaults,
    async start() {
      await trust.ready;
      policy.restore(durable?.policy);
      const onBinding = (binding: Binding): void => {
        keepAlive.bound(binding);
        bindingPolicy.restored(binding);
      };
      const { unanswered, forgotten } =
        durable?.takeOver({ table, notifier, onBinding }) ?? NOTHING_TAKEN_OVER;
      const restored = table.tokens();
      await core.listen((incoming) => coreRelay.handle(incoming));
      await access.listen((incoming) => accessSide.handle(incoming));
      pool.start();
      for (const token of forgotten) notifier.forget(token);
      for (const id of unanswered) notifier.tellOf(id);
      watch.resume(restored.values());
    },
    async stop() {
      access.drain();
      core.drain();
      await new Promise<void>((resolve) => clock.after(STOP_GRACE_MS, resolve));
      const timed = [cluster, pool, bindingPolicy, notifier, watch, keepAlive, table, relay.calls];
      for (const part of timed) part.close();
      queue?.close();
      lines.close();
      await Promise.all([access.close(), core.close()]);
      await durable?.close();
    },
  };
}

function endpointOf(
  { config, clock, random, log, resolver, transports, interceptors = [] }: PcscfParts,
  side: "access" | "core",
  counters: ReturnType<ReturnType<typeof pcscfMetrics>["endpoint"]>,
  {
    history,
    networkFaults,
    ...brakes
  }: {
    readonly queue: RequestQueue | undefined;
    readonly backpressure: Backpressure;
    readonly history: AccessHistory;
    readonly networkFaults: NetworkFaults;
  },
): Endpoint {
  const { limits } = config;
  return createEndpoint({
    name: side,
    transports: transports[side],
    clock,
    random,
    log: log.child({ side }),
    resolver,
    counters,
    onUnreadable: ({ source, why, status, impu }) => {
      const answered = status === undefined ? "" : `${status}: `;
      history.note({ source, impu }, "unreadable", `${answered}${why}`);
    },
    advertise: config[side].advertise.map(advertiseRule),
    // A UE is reached over its flow whatever the size (RFC 5626 §5.3.1).
    udpMtuBytes: side === "access" ? 0 : config.core.udpMtuBytes,
    ...(side === "core" && { settingOf: ({ host }: HostPort) => settingOf(config, host) }),
    ...endpointLimits(limits, brakes, side === "access" ? limits : undefined),
    interceptors: [networkFaults.towards(side === "access" ? "U" : "S"), ...interceptors],
  });
}

/** Of several S-CSCFs the pool says which one is down. */
function settingOf({ scscf }: PcscfConfig, host: string): string | undefined {
  return scscf.length === 1 || !isIp(host) ? "scscf" : undefined;
}

/** An entry for everybody also serves peers that are known by name only. */
function advertiseRule({ forPeers, host, port }: Advertised): AdvertiseRule {
  const own = { host, port: port ?? 0 };
  if (forPeers.prefixLength === 0) return own;
  return { ...own, forPeers: (peer) => cidrContains(forPeers, peer) };
}

/** Requests of the node itself go where their Route says. */
function sendOver(cluster: ScscfCluster, clock: Clock): SendRequest {
  return (request, handlers) => {
    const to = destinationOf(takeNextHop(request));
    if (to !== undefined) cluster.senderOf(request).request(request, to, handlers);
    else clock.after(0, () => handlers.onFailure("unresolved"));
  };
}

function ownUri(relay: Relay, scscf: string): string {
  const side = coreSide(relay, scscfUri(relay, scscf));
  return `${side.transport === "tls" ? "sips" : "sip"}:${formatHostPort(side)}`;
}

function udpOf({ transports }: PcscfParts): Transport | undefined {
  return transports.access.find(({ name }) => name === "udp");
}

function named(binding: Binding): Record<string, string> {
  const { impi, impus, callId, flow, others = [] } = binding;
  let { contact } = binding;
  for (const other of others) contact += `, ${other.contact}`;
  return { impi, impu: impus[0] ?? "", contact, callId, flow: flow.id };
}
