// The S-CSCF wired together over given transports: under a fake clock in tests, over sockets in main.

import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { cidrContains } from "@ims-lab/common/platform/cidr";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import { oncePer } from "@ims-lab/common/platform/once-per";
import type { Random } from "@ims-lab/common/platform/random";
import { nextHop } from "@ims-lab/common/sip/dialog/next-hop";
import {
  type AdvertiseRule,
  createEndpoint,
  type Endpoint,
  type EndpointCounters,
  type Trace,
} from "@ims-lab/common/sip/endpoint";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { isSip, parseUri, type Uri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { createSubscriberAgent } from "@ims-lab/common/sip/subscriber-agent";
import { formatHostPort, type Transport } from "@ims-lab/common/sip/transport/transport";
import { AUTHENTICATION_DEFAULTS, Authenticator } from "./authentication/authenticator.ts";
import { FailureNotes } from "./authentication-failures.ts";
import type { ScscfConfig } from "./config.ts";
import type { RegistrationSet } from "./notifier/admission.ts";
import { PcscfSubscriptions } from "./notifier/pcscf-subscriptions.ts";
import { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import { bindingReactions } from "./reactions.ts";
import type { Ended } from "./reauthentication/reauthentication.ts";
import { Reauthentications } from "./reauthentication/reauthentications.ts";
import type { BindingContext } from "./registrar/binding.ts";
import { Bindings } from "./registrar/bindings.ts";
import { setOf as setNameOf } from "./registrar/identify.ts";
import { Lifecycle } from "./registrar/lifecycle.ts";
import { Registrar } from "./registrar/registrar.ts";
import { type Standing, standingOf } from "./registrar/trust.ts";
import { type RequestServices, requestHandler } from "./requests.ts";
import type { Store } from "./store/store.ts";
import type { LoadedSubscribers } from "./subscribers/load.ts";
import { memorySqnMarks, type SqnMarks } from "./subscribers/sqn-marks.ts";

export interface ScscfTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly transports: readonly Transport[];
  readonly subscribers: LoadedSubscribers;
  readonly store: Store;
  readonly marks?: SqnMarks;
  readonly trace?: Trace;
  readonly counters?: EndpointCounters;
  /** For the metrics. */
  onEnded?(reauthentication: Ended): void;
}

/** A running S-CSCF as its admin interface and tests see it. */
export interface Scscf {
  readonly endpoint: Endpoint;
  readonly directory: LoadedSubscribers["directory"];
  readonly bindings: Bindings;
  readonly lifecycle: Lifecycle;
  readonly reauthentications: Reauthentications;
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly failures: FailureNotes;
  setOf(aor: string): RegistrationSet | undefined;
  listen(): Promise<void>;
  /** Refuses new work, finishes what is under way, ends all timers. */
  stop(): Promise<void>;
}

export function createScscf(config: ScscfConfig, tools: ScscfTools): Scscf {
  const { clock, random, log, store } = tools;
  const { directory } = tools.subscribers;
  const endpoint = endpointOf(config, tools);
  const bindings = new Bindings();
  const failures = new FailureNotes();
  const context = contextOf(config);

  const setOf = (aor: string): RegistrationSet | undefined => {
    const [owner] = directory.ownersOf(aor);
    return owner && { name: setNameOf(owner), impus: owner.impus };
  };
  const bindingsOf = (set: string): ReturnType<Bindings["ofSet"]> => bindings.ofSet(set);
  const send = senderOf(endpoint);

  const reactions = bindingReactions({
    log,
    subscribesAtPcscf: config.pcscf.subscribe,
    onEnded: (reauthentication) => tools.onEnded?.(reauthentication),
  });
  const lifecycle = new Lifecycle({
    clock,
    store,
    bindings,
    context,
    listener: reactions.listener,
    onStoreProblem: (error) => log.error("store.failed", { error }),
  });
  const reauthentications = new Reauthentications({ clock, random, bindings, lifecycle });
  const notifier = new RegistrationNotifier({
    clock,
    random,
    log,
    send,
    setOf,
    bindingsOf,
    tokenOf: (uri) => tokenOf(endpoint, uri),
    applicationServers: config.applicationServers,
    grants: { life: config.subscription.expires, raiseOwn: config.subscription.raiseOwn },
    deadlineMs: context.reauthentication.deadlineMs,
    listener: reactions.onNotifier(lifecycle, bindings, clock),
    save: (id, value, proceed) =>
      store.commit([{ table: "subscriptions", id, value }], () => proceed()),
  });
  const pcscfSubscriptions = new PcscfSubscriptions({
    clock,
    log,
    agent: createSubscriberAgent({ clock, random, send, packages: [OWN_PACKAGE] }),
    ownUri: (peer) => `sip:${selfFor(endpoint, peer)}`,
    life: config.subscription.expires,
    maySay: oncePer(clock, ONCE_MS),
    defaultImpu: (set) => setOf(set)?.impus[0]?.uri ?? set,
    onAsked: (token) => {
      const binding = bindings.get(token);
      if (binding !== undefined) reauthentications.ask([binding], "pcscf");
    },
  });
  reactions.connect({ notifier, pcscfSubscriptions, reauthentications });

  const registrar = new Registrar({
    clock,
    random,
    log,
    directory,
    bindings,
    lifecycle,
    context,
    domain: config.domain,
    allowDirect: config.allowDirect,
    authenticator: authenticatorOf(config, tools),
    onRefresh: config.authentication.onRefresh,
    hideUnknown: config.authentication.hideUnknown,
    expires: {
      ...config.registration,
      optionalMaxExpires: config.subscription.optionalMaxExpiresSeconds,
    },
    maxPerImpi: config.contacts.maxPerImpi,
    duty: config.subscription.duty,
    onAuthenticationFailed: (impi, why) => failures.note(impi, why, clock.now()),
  });
  const services: RequestServices = {
    registrar,
    notifier,
    pcscfSubscriptions,
    log,
    domain: config.domain,
    allowDirect: config.allowDirect,
    standingOf: ({ request, flow }): Standing =>
      standingOf(config, request, flow, formatHostPort(endpoint.advertised(flow.remote))),
    isOwn: (host, port) => endpoint.isOwn(host, port),
    setOf,
    bindingsOf,
  };
  return {
    endpoint,
    directory,
    bindings,
    lifecycle,
    reauthentications,
    notifier,
    pcscfSubscriptions,
    failures,
    setOf,
    listen: () => endpoint.listen(requestHandler(services)),
    stop: async () => {
      endpoint.drain();
      await new Promise<void>((resolve) => {
        clock.after(STOP_GRACE_MS, resolve);
      });
      lifecycle.close();
      notifier.close();
      pcscfSubscriptions.close();
      await endpoint.close();
      await store.close();
    },
  };
}

/** Long enough for a transaction under way on a healthy network, well below 1.5 s. */
const STOP_GRACE_MS = 300;
/** A foreign P-CSCF's refusals are said once a day. */
const ONCE_MS = 86_400_000;

function endpointOf({ sip }: ScscfConfig, tools: ScscfTools): Endpoint {
  const { clock, random, log, transports, trace, counters } = tools;
  const advertise = sip.advertise.map(
    ({ forPeers, host, port }): AdvertiseRule => ({
      forPeers: (peer) => cidrContains(forPeers, peer),
      host,
      port: port ?? 0,
    }),
  );
  return createEndpoint({
    name: "scscf",
    transports,
    clock,
    random,
    log,
    udpMtuBytes: sip.udpMtuBytes,
    ...(advertise.length > 0 && { advertise }),
    ...(trace !== undefined && { trace }),
    ...(counters !== undefined && { counters }),
  });
}

function contextOf({
  subscription,
  authentication,
  reauthentication,
}: ScscfConfig): BindingContext {
  return {
    subscriptionDeadlineMs: subscription.deadlineSeconds * 1000,
    reauthentication: {
      deadlineMs: reauthentication.deadlineSeconds * 1000,
      awaitMs: authentication.awaitSeconds * 1000,
      onRefused: reauthentication.onRefused,
    },
  };
}

function authenticatorOf(
  { domain, authentication }: ScscfConfig,
  tools: ScscfTools,
): Authenticator {
  const { clock, random, subscribers, marks = memorySqnMarks() } = tools;
  const { awaitSeconds, maxFailures, hideUnknown } = authentication;
  return new Authenticator(
    {
      ...AUTHENTICATION_DEFAULTS,
      realm: domain,
      awaitSeconds,
      maxFailures,
      hideUnknown,
      vectors: subscribers.options,
    },
    { clock, random, directory: subscribers.directory, marks },
  );
}

/** Requests of our own go where their Route or Request-URI says. */
function senderOf(endpoint: Endpoint): SendRequest {
  return (request, handlers) => {
    const hop = nextHop(request);
    const to = hop === undefined ? undefined : destinationOf(hop);
    if (to === undefined) handlers.onFailure(`no way to ${hop?.host ?? request.uri}`);
    else endpoint.request(request, to, handlers);
  };
}

/** The user part of a Service-Route of ours. */
function tokenOf(endpoint: Endpoint, uri: Uri): string | undefined {
  return isSip(uri) && endpoint.isOwn(uri.host, uri.port ?? 5060) ? uri.user : undefined;
}

/** `host:port` by which the peer of this URI knows us. */
function selfFor(endpoint: Endpoint, peer: string): string {
  const uri = parseUri(peer);
  const remote = isSip(uri) ? { host: uri.host, port: uri.port ?? 5060 } : { host: "", port: 0 };
  return formatHostPort(endpoint.advertised(remote));
}
