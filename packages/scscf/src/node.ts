// The S-CSCF wired together over given transports: under a fake clock in tests, over sockets in main.

import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { NextTurn } from "@ims-lab/common/platform/clock";
import { logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Endpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import { requestQueueOf } from "@ims-lab/common/sip/endpoint/limits";
import { createSubscriberAgent } from "@ims-lab/common/sip/event/subscriber-agent";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { EventStream } from "./admin/event-stream.ts";
import { AUTHENTICATION_DEFAULTS, Authenticator } from "./authentication/authenticator.ts";
import { FailureNotes } from "./authentication/failure-notes.ts";
import { SilentDevices } from "./authentication/silent-devices.ts";
import type { ScscfConfig } from "./config.ts";
import { RegistrationHistory } from "./history/registration-history.ts";
import { UserHistory } from "./history/user-history.ts";
import { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import { originOf, type RequestOrigin } from "./origin.ts";
import { type EndpointTools, endpointOf, ownUriFor, senderOf, tokenOf } from "./own-endpoint.ts";
import { PcscfSubscriptions } from "./pcscf-subscription/pcscf-subscriptions.ts";
import { rulesOf } from "./policy/rules.ts";
import { Provisioning } from "./provisioning/provisioning.ts";
import { RefusalLog } from "./refusal-log.ts";
import { Registrar } from "./register/register.ts";
import type { Binding, BindingContext } from "./registration/binding.ts";
import { Bindings } from "./registration/bindings.ts";
import { RegistrationEvents, type RegistrationSubscriber } from "./registration/events.ts";
import { Reauthentications } from "./registration/reauthentications.ts";
import { Registrations } from "./registration/registrations.ts";
import { RegistrationLog } from "./registration-log.ts";
import { type RequestServices, requestHandler } from "./requests.ts";
import type { RegisteredDevices } from "./routing/past-pcscf.ts";
import { createRouting } from "./routing/routing.ts";
import type { Store } from "./store/store.ts";
import { ChangedDirectory } from "./subscribers/changed-directory.ts";
import type { SubscriberDirectory } from "./subscribers/directory.ts";
import { filedAs } from "./subscribers/identity.ts";
import type { LoadedSubscribers } from "./subscribers/load.ts";
import type { RegistrationSet } from "./subscribers/registration-sets.ts";
import { registrationSets } from "./subscribers/registration-sets.ts";
import { type SqnMarks, SqnMarkTable } from "./subscribers/sqn-marks.ts";

export interface ScscfTools extends EndpointTools {
  readonly subscribers: LoadedSubscribers;
  readonly store: Store;
  /** Counts what happens. */
  readonly metrics?: RegistrationSubscriber;
  /** Absent: messages do not wait for their turn. */
  readonly nextTurn?: NextTurn;
}

/** A running S-CSCF as its admin interface and tests see it. */
export interface Scscf {
  readonly endpoint: Endpoint;
  readonly directory: ChangedDirectory;
  /** Home domain. */
  readonly domain: string;
  /** Changes the directory. */
  readonly provisioning: Provisioning;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
  readonly reauthentications: Reauthentications;
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly failures: FailureNotes;
  readonly history: UserHistory;
  readonly eventStream: EventStream;
  /** Messages that wait for their turn. */
  readonly waitingMessages: number;
  setOf(aor: string): RegistrationSet | undefined;
  setsOf(aor: string): readonly RegistrationSet[];
  listen(): Promise<void>;
  /** Refuses new work, finishes what is under way, ends all timers. */
  stop(): Promise<void>;
}

export function createScscf(config: ScscfConfig, tools: ScscfTools): Scscf {
  const { clock, random, log, store } = tools;
  const directory = new ChangedDirectory(tools.subscribers.directory);
  const queue = requestQueueOf(config.limits, clock, tools.nextTurn);
  const endpoint = endpointOf(config, tools, queue);
  const onLimited = (limit: string): void => tools.counters?.count("limited", limit);
  const bindings = new Bindings();
  const failures = new FailureNotes(clock);
  const context = contextOf(config);
  const marks = new SqnMarkTable();
  const authenticator = authenticatorOf(config, { ...tools, directory, marks });
  const dutySeconds = config.subscription.deadlineSeconds;
  const history = new UserHistory(directory, clock);
  const refusals = new RefusalLog({ log, clock, history });

  const bindingsOf = (set: string): ReturnType<Bindings["ofSet"]> => bindings.ofSet(set);
  const setsOf = registrationSets(directory, config.domain);
  /** Of several that share an identity, one that is registered. */
  const setOf = (aor: string): RegistrationSet | undefined => {
    const sets = setsOf(aor);
    return sets.find(({ name }) => bindingsOf(name).length > 0) ?? sets[0];
  };
  const devices: RegisteredDevices = {
    tokenOf: (uri) => tokenOf(endpoint, uri),
    bindingOf: (token) => bindings.get(token),
    bindingsOfUser: (aor) => setsOf(aor).flatMap(({ name }) => bindingsOf(name)),
  };
  const send = senderOf(endpoint);

  const events = new RegistrationEvents();
  const registrations = new Registrations({
    clock,
    store,
    bindings,
    context,
    events,
    onRemoved: (impi) => authenticator.endNonces(impi),
    onStoreProblem: (error) => log.error("store.failed", { error }),
  });
  const provisioning = new Provisioning({
    ...{ clock, log, store, directory, marks, authenticator, bindings, registrations, events },
    domain: config.domain,
    nextTurn: tools.nextTurn,
  });
  const reauthentications = new Reauthentications({
    clock,
    random,
    bindings,
    registrations,
  });
  const notifier = new RegistrationNotifier({
    clock,
    random,
    log,
    send,
    identityOf: (uri) => filedAs({ directory, domain: config.domain }, uri),
    setOf,
    setsOf,
    bindingsOf,
    tokenOf: (uri) => tokenOf(endpoint, uri),
    applicationServers: config.applicationServers,
    grants: { life: config.subscription.expires, raiseOwn: config.subscription.raiseOwn },
    deadlineMs: context.reauthentication.deadlineMs,
    maxPerUser: config.limits.maxSubscriptionsPerUser,
    onLimited,
    bindings,
    registrations,
    events,
    refusals,
  });
  const pcscfSubscriptions = new PcscfSubscriptions({
    clock,
    log,
    reginfo: new ReginfoReader({ log, limits: config.limits, onLimited }),
    agent: createSubscriberAgent({ clock, random, send, packages: [OWN_PACKAGE] }),
    ownUri: (peer) => ownUriFor(endpoint, peer),
    life: config.subscription.expires,
    maySay: logRateLimit(clock, ONCE_MS),
    setOf,
    bindingsOf,
    isWatched: (set) => notifier.isWatchedByPcscf(set),
    onAsked: (token) => {
      const binding = bindings.get(token);
      if (binding !== undefined) reauthentications.ask([binding], "pcscf");
    },
  });
  const rules = rulesOf(config);
  const { router, dialogs } = createRouting(config, {
    rules,
    log,
    clock,
    random,
    refusals,
    endpoint,
    directory,
    bindings,
    reauthentications,
    send,
    setOf,
    devices,
    setsOf,
    onLimited,
  });
  const silentDevices = new SilentDevices({
    clock,
    events,
    causeOf: (impi) => authenticator.silent(impi),
  });
  const eventStream = new EventStream({ clock, dutySeconds });
  // Who hears of what happens, in this order.
  events.deliverTo({
    log: new RegistrationLog({ log, refusals, dutySeconds }),
    history: new RegistrationHistory(history, dutySeconds),
    failures,
    silentDevices,
    metrics: tools.metrics,
    reauthentications,
    dialogs, // TS 24.229 §5.4.1.5: calls first, then the UE, then its P-CSCF
    notifier,
    pcscfSubscriptions: config.pcscf.subscribe ? pcscfSubscriptions : undefined,
    eventStream,
  });
  const registrar = new Registrar({
    clock,
    random,
    log,
    refusals,
    directory,
    bindings,
    registrations,
    context,
    domain: config.domain,
    allowDirect: config.allowDirect,
    authenticator,
    events,
    marks,
    rules,
    sharedPathUsers: config.pcscf.sharedPathUsers,
    expires: {
      ...config.registration,
      optionalMaxExpires: config.subscription.optionalMaxExpiresSeconds,
    },
    maxPerImpi: config.contacts.maxPerImpi,
    onLimited,
    duty: config.subscription.duty,
  });
  const services: RequestServices = {
    registrar,
    notifier,
    pcscfSubscriptions,
    router,
    refusals,
    directory,
    domain: config.domain,
    allowDirect: config.allowDirect,
    devices,
    originOf: ({ request, flow }): RequestOrigin =>
      originOf(
        config,
        request,
        flow,
        formatHostPort(endpoint.advertised(flow.remote, flow.transport)),
      ),
    isOwn: (host, port) => endpoint.isOwn(host, port),
    setsOf,
    bindingsOf,
    bindingOf: (token) => bindings.get(token),
  };
  return {
    endpoint,
    directory,
    domain: config.domain,
    provisioning,
    bindings,
    registrations,
    reauthentications,
    notifier,
    pcscfSubscriptions,
    failures,
    history,
    eventStream,
    get waitingMessages() {
      return queue?.size ?? 0;
    },
    setOf,
    setsOf,
    listen: async () => {
      const parts = { store, registrations, reauthentications, notifier, marks, provisioning };
      const unheard = await takeOver(parts);
      await endpoint.listen(requestHandler(services));
      for (const binding of unheard) notifier.trigger(binding);
      provisioning.endOrphans();
    },
    stop: async () => {
      endpoint.drain();
      await new Promise<void>((resolve) => {
        clock.after(STOP_GRACE_MS, resolve);
      });
      queue?.close();
      registrations.close();
      notifier.close();
      silentDevices.close();
      refusals.close();
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

/** After a restart everything goes on where it was; gives those whose trigger nobody acknowledged. */
async function takeOver(
  parts: Pick<Scscf, "registrations" | "reauthentications" | "notifier" | "provisioning"> & {
    readonly store: Store;
    readonly marks: SqnMarkTable;
  },
): Promise<readonly Binding[]> {
  const { bindings, subscriptions, sqnMarks, subscribers } = await parts.store.load();
  parts.provisioning.restore(subscribers);
  for (const [impi, mark] of sqnMarks) parts.marks.restore(impi, mark);
  for (const subscription of subscriptions.values()) parts.notifier.restore(subscription);
  for (const binding of bindings.values()) {
    parts.registrations.restore(binding);
    parts.reauthentications.restore(binding);
  }
  return [...bindings.values()].filter(({ duty, reauthentication }) => {
    const progress = reauthentication?.progress;
    return duty.state === "fulfilled" && (progress === "notified" || progress === "requested");
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
  { domain, authentication, limits }: ScscfConfig,
  tools: ScscfTools & { readonly directory: SubscriberDirectory; readonly marks: SqnMarks },
): Authenticator {
  const { clock, random, subscribers, directory, marks } = tools;
  const { awaitSeconds, maxFailures, hideUnknown, probe } = authentication;
  return new Authenticator(
    {
      ...AUTHENTICATION_DEFAULTS,
      realm: domain,
      awaitSeconds,
      maxFailures,
      hideUnknown,
      probe,
      maxOutstanding: limits.maxChallengesPerUser,
      vectors: subscribers.options,
    },
    {
      clock,
      random,
      directory,
      marks,
      onLimited: (limit) => tools.counters?.count("limited", limit),
    },
  );
}
