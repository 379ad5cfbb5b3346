// The S-CSCF wired together over given transports: under a fake clock in tests, over sockets in main.

import { scscfFaults } from "@ims-lab/common/admin-api/faults";
import { beginWithFaults } from "@ims-lab/common/faults/fault-setting";
import { NetworkFaults } from "@ims-lab/common/faults/network-faults";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { NextTurn } from "@ims-lab/common/platform/clock";
import { logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Endpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import { requestQueueOf } from "@ims-lab/common/sip/endpoint/limits";
import { createSubscriberAgent } from "@ims-lab/common/sip/event/subscriber-agent";
import type { SharedRows } from "@ims-lab/common/store/cluster-port";
import { StoreLog } from "@ims-lab/common/store/store-log";
import { EventStream } from "./admin/event-stream.ts";
import { webhookContent } from "./admin/webhook-views.ts";
import { AUTHENTICATION_DEFAULTS, Authenticator } from "./authentication/authenticator.ts";
import { FailureNotes } from "./authentication/failure-notes.ts";
import { SilentDevices } from "./authentication/silent-devices.ts";
import { Campaigns } from "./campaigns/campaigns.ts";
import { gated } from "./cluster/gate.ts";
import { SharedUsers } from "./cluster/shared-users.ts";
import type { ScscfConfig } from "./config.ts";
import { createFaults, type ScscfFaults } from "./faults/scscf-faults.ts";
import { RegistrationHistory } from "./history/registration-history.ts";
import { UserHistory } from "./history/user-history.ts";
import { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import { MessageWatches } from "./observation/message-watch.ts";
import { originOf, type RequestOrigin } from "./origin.ts";
import {
  type EndpointTools,
  endpointOf,
  ownUriFor,
  selfFor,
  senderOf,
  tokenOf,
} from "./own-endpoint.ts";
import { PcscfSubscriptions } from "./pcscf-subscription/pcscf-subscriptions.ts";
import { PcscfAsking } from "./policy/pcscf-asking.ts";
import { PolicyControl } from "./policy/policy-control.ts";
import { PolicyInForce } from "./policy/policy-in-force.ts";
import { freshMsOf, policyOf } from "./policy/rules.ts";
import { Provisioning } from "./provisioning/provisioning.ts";
import { RefusalLog } from "./refusal-log.ts";
import { Registrar } from "./register/register.ts";
import { SubscriptionDuties } from "./register/subscription-duty.ts";
import type { BindingContext } from "./registration/binding.ts";
import { Bindings } from "./registration/bindings.ts";
import { RegistrationEvents, type RegistrationSubscriber } from "./registration/events.ts";
import { Reauthentications } from "./registration/reauthentications.ts";
import { Registrations } from "./registration/registrations.ts";
import { RegistrationLog } from "./registration-log.ts";
import { type RequestServices, requestHandler } from "./requests.ts";
import type { RegisteredDevices } from "./routing/past-pcscf.ts";
import { createRouting } from "./routing/routing.ts";
import type { Tables } from "./rows.ts";
import type { Store } from "./store/store.ts";
import { ChangedDirectory } from "./subscribers/changed-directory.ts";
import type { SubscriberDirectory } from "./subscribers/directory.ts";
import { filedAs } from "./subscribers/identity.ts";
import type { LoadedSubscribers } from "./subscribers/load.ts";
import type { RegistrationSet } from "./subscribers/registration-sets.ts";
import { registrationSets } from "./subscribers/registration-sets.ts";
import { type SqnMarks, SqnMarkTable } from "./subscribers/sqn-marks.ts";
import { takeOver } from "./take-over.ts";
import { type WebhookCounter, webhookOf } from "./webhook/webhook.ts";

export interface ScscfTools extends EndpointTools {
  readonly subscribers: LoadedSubscribers;
  readonly store: Store;
  /** The same store, where other S-CSCFs share it. */
  readonly shared?: SharedRows<Tables> | undefined;
  /** Counts what happens. */
  readonly metrics?: RegistrationSubscriber & Partial<WebhookCounter>;
  /** For the webhook; absent: there is none. */
  readonly fetch?: typeof globalThis.fetch;
  /** Absent: messages do not wait for their turn. */
  readonly nextTurn?: NextTurn;
}

/** A running S-CSCF as its admin interface and tests see it. */
export interface Scscf {
  readonly log: Logger;
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
  readonly campaigns: Campaigns;
  readonly eventStream: EventStream;
  /** Who observes the messages of single users. */
  readonly watches: MessageWatches;
  readonly faults: ScscfFaults;
  readonly networkFaults: NetworkFaults;
  readonly policy: PolicyControl;
  readonly duties: SubscriptionDuties;
  /** Undefined: this S-CSCF is alone. */
  readonly cluster: { readonly rows: SharedRows<Tables>; readonly users: SharedUsers } | undefined;
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
  const watches = new MessageWatches();
  const networkFaults = new NetworkFaults({ from: "S", clock, log, rules: config.networkFaults });
  const endpoint = endpointOf(config, tools, { queue, networkFaults, watches });
  const onLimited = (limit: string): void => tools.counters?.count("limited", limit);
  const bindings = new Bindings();
  const failures = new FailureNotes(clock);
  const context = contextOf(config);
  const marks = new SqnMarkTable();
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
  const faults = createFaults({
    ...{ clock, random, log, directory, domain: config.domain, setOf },
    toldSet: (notify) => notifier.toldSet(notify),
  });
  const authenticator = authenticatorOf(config, { ...tools, directory, marks }, faults);
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
    onRemoved: (impi, at) => authenticator.endNonces(impi, at),
    storeLog: new StoreLog(log, clock),
  });
  const provisioning = new Provisioning({
    ...{ clock, log, store, directory, marks, authenticator, bindings, registrations, events },
    domain: config.domain,
    claim: async (impis): Promise<void> => users?.claim(impis),
  });
  const reauthentications = new Reauthentications({ clock, random, registrations });
  const notifier = new RegistrationNotifier({
    clock,
    random,
    log,
    send: faults.sender(send),
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
    isShared: tools.shared !== undefined,
  });
  const pcscfSubscriptions = new PcscfSubscriptions({
    clock,
    log,
    reginfo: new ReginfoReader({ log, limits: config.limits, onLimited }),
    agent: createSubscriberAgent({ clock, random, send, packages: [OWN_PACKAGE] }),
    ownUri: (peer) => ownUriFor(endpoint, peer),
    life: config.subscription.expires,
    mayLog: logRateLimit(clock, ONCE_MS),
    setOf,
    bindingOf: (token) => bindings.get(token),
    bindingsOf,
    isWatched: (set) => notifier.isWatchedByPcscf(set),
    onAsked: (token) => {
      const binding = bindings.get(token);
      return binding === undefined || pcscfAsking.asked(binding);
    },
  });
  const inForce = new PolicyInForce(
    {
      clock,
      random,
      bindings,
      directory,
      hasOwnRules: () => directory.hasOwnRules,
      freshMs: freshMsOf(config),
      ask: (binding, cause) => reauthentications.ask([binding], cause),
    },
    policyOf(config),
  );
  const pcscfAsking = new PcscfAsking({ policy: inForce, reauthentications, history, log });
  const { router, requestPolicy, dialogs } = createRouting(config, {
    policy: inForce,
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
  const campaigns = new Campaigns({
    clock,
    random,
    store,
    events,
    bindings,
    identitiesOf: (set) =>
      setsOf(set).flatMap(({ name, impus }) => (name === set ? impus.map(({ aor }) => aor) : [])),
    nextTurn: tools.nextTurn,
    maxPacePerSecond: config.campaigns.maxPacePerSecond,
    isBehind: () => (queue?.size ?? 0) > MOST_WAITING,
    ask: (binding, cause) => void reauthentications.ask([binding], cause),
    onStoreProblem: (error) => log.error("store.failed", { error }),
    claim: async (id): Promise<void> => users?.claimCampaign(id),
  });
  const silentDevices = new SilentDevices({
    clock,
    events,
    causeOf: (impi) => authenticator.silent(impi),
    isServed: (impi): boolean => users === undefined || users.missing([impi]).length === 0,
  });
  const eventStream = new EventStream({ clock, dutySeconds });
  const webhook = webhookOf(config, tools, (event) => webhookContent(event, campaigns));
  const { pacePerSecond } = config.policy;
  const reading = { node: "scscf", freshMs: freshMsOf(config), pacePerSecond } as const;
  const policy = new PolicyControl({
    ...{ clock, store, log, bindings, directory, reading, inForce },
    requests: requestPolicy,
  });
  // Who hears of what happens, in this order.
  events.deliverTo({
    log: new RegistrationLog({ log, refusals, dutySeconds }),
    history: new RegistrationHistory(history, dutySeconds),
    failures,
    silentDevices,
    metrics: tools.metrics,
    reauthentications,
    campaigns,
    inForce,
    dialogs, // TS 24.229 §5.4.1.5: calls first, then the UE, then its P-CSCF
    notifier,
    pcscfSubscriptions: config.pcscf.subscribe ? pcscfSubscriptions : undefined,
    eventStream,
    webhook,
  });
  const duties = new SubscriptionDuties(config.subscription);
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
    policy: inForce,
    sharedPathUsers: config.pcscf.sharedPathUsers,
    expires: {
      ...config.registration,
      optionalMaxExpires: config.subscription.optionalMaxExpiresSeconds,
    },
    maxPerImpi: config.contacts.maxPerImpi,
    onLimited,
    duties,
  });
  const graceMs = config.restart.graceSeconds * 1000;
  const users: SharedUsers | undefined =
    tools.shared &&
    new SharedUsers({
      ...{ clock, log, store: tools.shared, graceMs, registrations, reauthentications },
      ...{ notifier, marks, inForce, authenticator, campaigns, policy, provisioning, directory },
      pcscfSubscriptions: config.pcscf.subscribe ? pcscfSubscriptions : undefined,
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
      originOf(config, request, flow, selfFor(endpoint, config.cluster, flow)),
    isOwn: (host, port) => endpoint.isOwn(host, port),
    setsOf,
    bindingsOf,
    bindingOf: (token) => bindings.get(token),
  };
  return {
    log,
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
    campaigns,
    eventStream,
    watches,
    faults,
    networkFaults,
    policy,
    duties,
    cluster: tools.shared && users && { rows: tools.shared, users },
    get waitingMessages() {
      return queue?.size ?? 0;
    },
    setOf,
    setsOf,
    listen: async () => {
      beginWithFaults(faults.switches, scscfFaults, config.faults);
      const { unheard, unanswered } = await takeOver({
        ...{ store, clock, log, graceMs },
        ...{ registrations, reauthentications, notifier, campaigns, marks, policy, inForce },
        provisioning,
      });
      const restored = [...bindings.keys()].values();
      const handler = requestHandler(services);
      await endpoint.listen(
        faults.handler(users === undefined ? handler : gated({ ...services, users, log }, handler)),
      );
      for (const binding of unheard) notifier.trigger(binding);
      for (const id of unanswered) notifier.repeat(id);
      if (config.pcscf.subscribe) pcscfSubscriptions.resume(restored);
      provisioning.endOrphans();
      if (users !== undefined) tools.shared?.attach(users);
    },
    stop: async () => {
      endpoint.drain();
      campaigns.close();
      await new Promise<void>((resolve) => {
        clock.after(STOP_GRACE_MS, resolve);
      });
      queue?.close();
      users?.close();
      registrations.close();
      inForce.close();
      notifier.close();
      silentDevices.close();
      faults.switches.close();
      refusals.close();
      pcscfSubscriptions.close();
      router.close();
      webhook?.close();
      await endpoint.close();
      await store.close();
    },
  };
}

/** Messages that wait while a campaign asks; with more it waits for them. */
const MOST_WAITING = 50;
/** Long enough for a transaction under way on a healthy network, well below 1.5 s. */
const STOP_GRACE_MS = 300;
/** A foreign P-CSCF's refusals are said once a day. */
const ONCE_MS = 86_400_000;

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
  faults: ScscfFaults,
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
      aucFaults: faults.vectors,
      onLimited: (limit) => tools.counters?.count("limited", limit),
    },
  );
}
