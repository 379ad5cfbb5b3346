// Settings of the S-CSCF: names, defaults, profiles.

import { fileURLToPath } from "node:url";
import { scscfFaults } from "@ims-lab/common/admin-api/faults";
import { faultSetting, impossibleFaults } from "@ims-lab/common/faults/fault-setting";
import {
  impossibleNetworkFaults,
  networkFaultSetting,
} from "@ims-lab/common/faults/network-fault-setting";
import { LAB_DOMAIN } from "@ims-lab/common/ims/identities";
import type { TrustedPeer } from "@ims-lab/common/platform/cidr";
import type { Impossible, Settings } from "@ims-lab/common/platform/config";
import { type HttpSettings, httpSettings } from "@ims-lab/common/platform/http";
import { type LogSettings, logSettings } from "@ims-lab/common/platform/logger";
import {
  impossibleTls,
  type TlsSettings,
  tlsSettings,
} from "@ims-lab/common/platform/secured-settings";
import {
  flag,
  host,
  integer,
  type ListenSettings,
  lacksAdvertise,
  listenSettings,
  oneOf,
  seconds,
  texts,
  textThat,
  trustedPeers,
  udpBatching,
} from "@ims-lab/common/platform/settings";
import { type SipLimits, sipLimitSettings } from "@ims-lab/common/sip/admission/limits";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import {
  type RestartSettings,
  restartSettings,
  type StoreSettings,
  storeSettings,
} from "@ims-lab/common/store/open-store";
import { type TraceSettings, traceSettings } from "@ims-lab/common/trace/node-trace";
import { type ClusterSettings, clusterSettings, impossibleCluster } from "./cluster/settings.ts";
import type { PolicySettings } from "./policy/rules.ts";
import { parseUserAgentDuty, shadowedDuty } from "./register/subscription-duty.ts";
import { parseNextHop } from "./routing/next-hops.ts";
import { impossibleWebhook, type WebhookSettings, webhookSettings } from "./webhook/settings.ts";

export interface ScscfConfig extends StoreSettings {
  readonly profile: "seed" | "ts24229";
  readonly domain: string;
  /** Path of the subscribers file. */
  readonly subscribers: string;
  readonly restart: RestartSettings;
  readonly cluster: ClusterSettings;
  readonly sip: ListenSettings & {
    readonly udpBatching: boolean;
    readonly tls: TlsSettings;
    readonly udpMtuBytes: number;
  };
  readonly http: HttpSettings;
  readonly log: LogSettings;
  readonly trace: TraceSettings;
  readonly trustedPeers: readonly TrustedPeer[];
  readonly mayAssert: readonly TrustedPeer[];
  readonly allowDirect: boolean;
  readonly applicationServers: readonly string[];
  readonly contacts: { readonly maxPerImpi: number };
  readonly registration: {
    readonly minExpires: number;
    readonly defaultExpires: number;
    readonly maxExpires: number;
  };
  readonly subscription: {
    readonly duty: "enforce" | "warn" | "optional";
    /** `PATTERN=DUTY` each; the first that matches counts. */
    readonly dutyByUserAgent: readonly string[];
    readonly deadlineSeconds: number;
    readonly optionalMaxExpiresSeconds: number;
    readonly expires: "registration" | "unlimited";
    readonly raiseOwn: boolean;
  };
  readonly authentication: {
    readonly awaitSeconds: number;
    readonly maxFailures: number;
    readonly hideUnknown: boolean;
    readonly probe: boolean;
    readonly onRefresh: "always" | "never";
  };
  readonly campaigns: { readonly maxPacePerSecond: number };
  readonly reauthentication: {
    readonly deadlineSeconds: number;
    readonly onRefused: "wait" | "deregister";
  };
  readonly pcscf: { readonly subscribe: boolean; readonly sharedPathUsers: readonly string[] };
  /** `domain=sip:host:port` each. */
  readonly routes: readonly string[];
  readonly policy: PolicySettings["policy"];
  readonly webhook: WebhookSettings;
  /** What becomes of a user's dialogs when the registration ends. */
  readonly dialogs: "leave" | "release";
  /** To test devices with: docs/faults.md. */
  readonly faults: readonly string[];
  readonly networkFaults: readonly string[];
  readonly limits: SipLimits & {
    readonly maxSubscriptionsPerUser: number;
    readonly maxChallengesPerUser: number;
    readonly maxDialogs: number;
  };
}

const SHIPPED_SUBSCRIBERS = fileURLToPath(new URL("../subscribers.yaml", import.meta.url));

export const settings: Settings<ScscfConfig> = {
  node: "SCSCF",
  schema: {
    profile: oneOf({
      doc: "What chooses the defaults: the 2001 proposal, or its descendant TS 24.229.",
      words: ["seed", "ts24229"],
      default: "seed",
    }),
    domain: host({ doc: "Home domain: Request-URI and realm.", default: LAB_DOMAIN }),
    subscribers: textThat({
      doc: "YAML file of the subscribers.",
      allowed: "a path",
      accepts: (path) => path !== "",
      default: SHIPPED_SUBSCRIBERS,
    }),
    ...storeSettings("scscf"),
    restart: restartSettings,
    cluster: clusterSettings,
    sip: {
      ...listenSettings({ what: "SIP", port: 6060 }),
      udpBatching: udpBatching(),
      tls: tlsSettings(6061),
      udpMtuBytes: integer({
        doc: "Larger requests go over TCP; 0: never.",
        min: 0,
        max: 65_535,
        default: 1300,
      }),
    },
    http: httpSettings(9062),
    log: logSettings,
    trace: traceSettings,
    trustedPeers: trustedPeers({
      doc: "P-CSCFs and servers that are believed.",
      default: ["127.0.0.1:4060"],
    }),
    mayAssert: trustedPeers({
      doc: "Trusted peers whose integrity-protected=yes and auth-done count.",
      default: [],
    }),
    allowDirect: flag({ doc: "Take devices that come without a P-CSCF.", default: false }),
    applicationServers: texts({
      doc: "Servers that may watch registrations, by asserted identity.",
      allowed: "a list of SIP URIs",
      accepts: (uri) => parseUri(uri) !== undefined,
      default: [],
    }),
    contacts: {
      maxPerImpi: integer({ doc: "Contacts of one IMPI at once.", min: 1, max: 100, default: 4 }),
    },
    registration: {
      minExpires: seconds({ doc: "Shorter is refused with 423.", default: 60 }),
      defaultExpires: seconds({ doc: "When nobody says.", min: 1, default: 3600 }),
      maxExpires: seconds({ doc: "Longer is cut.", min: 1, default: 600_000 }),
    },
    subscription: {
      duty: oneOf({
        doc: "Whether a device must subscribe.",
        words: ["enforce", "warn", "optional"],
        default: "enforce",
      }),
      dutyByUserAgent: texts({
        doc: "The same by User-Agent, * for any characters; the first that matches counts, and a subscriber's own before it.",
        allowed: "a list of PATTERN=enforce, PATTERN=warn or PATTERN=optional",
        accepts: (written) => parseUserAgentDuty(written) !== undefined,
        default: [],
      }),
      deadlineSeconds: seconds({ doc: "Time to subscribe.", min: 1, default: 32 }),
      optionalMaxExpiresSeconds: seconds({
        doc: "Longest registration of an optional device that has not subscribed.",
        min: 1,
        default: 300,
      }),
      expires: oneOf({
        doc: "A subscription lives as long as the registration, or until it goes.",
        words: ["registration", "unlimited"],
        default: "registration",
      }),
      raiseOwn: flag({ doc: "Raise a short Expires in the own package.", default: true }),
    },
    authentication: {
      awaitSeconds: seconds({ doc: "One challenge's life.", min: 1, default: 240 }),
      maxFailures: integer({ doc: "Failed answers in one attempt.", min: 1, max: 10, default: 2 }),
      probe: flag({
        doc: "Ask devices that reject AUTN what they have mixed up, to name it.",
        default: false,
      }),
      hideUnknown: flag({
        doc: "Challenge whom nobody knows like a user, before his 403.",
        default: false,
      }),
      onRefresh: oneOf({
        doc: "Challenge refreshes over a protected association.",
        words: ["always", "never"],
        default: "never",
      }),
    },
    reauthentication: {
      deadlineSeconds: seconds({ doc: "N: from NOTIFY to the end.", min: 1, default: 60 }),
      onRefused: oneOf({
        doc: "After a wrong answer: wait for the deadline, or de-register at once.",
        words: ["wait", "deregister"],
        default: "wait",
      }),
    },
    campaigns: {
      maxPacePerSecond: integer({
        doc: "Campaigns that together ask more devices a second must be confirmed.",
        min: 1,
        max: 10_000,
        default: 100,
      }),
    },
    pcscf: {
      subscribe: flag({ doc: "Subscribe at P-CSCFs (Figure 4).", default: true }),
      sharedPathUsers: texts({
        doc: "User parts of Path that several users share, for they name a P-CSCF or a flow.",
        allowed: "a list of user parts; * for all",
        accepts: (user) => user === "*" || /^[^\s@<>,;]+$/.test(user),
        default: ["term", "inbound"],
      }),
    },
    routes: texts({
      doc: "Next hops for the domains of others.",
      allowed: "a list of DOMAIN=sip:HOST[:PORT]",
      accepts: (route) => parseNextHop(route) !== undefined,
      default: [],
    }),
    policy: {
      onMethods: texts({
        doc: "Requests out of a dialog that make their sender authenticate again.",
        allowed: "a list of methods such as INVITE,MESSAGE",
        accepts: (method) => /^[A-Z]+$/.test(method) && method !== "REGISTER",
        default: [],
      }),
      outcome: oneOf({
        doc: "What becomes of such a request; only an INVITE can be held.",
        words: ["proceed", "hold", "reject"],
        default: "proceed",
      }),
      maxAgeSeconds: seconds({
        doc: "Ask devices that authenticated longer ago than this; 0: never.",
        default: 0,
      }),
      pacePerSecond: integer({
        doc: "Devices asked by maxAgeSeconds a second, at most.",
        min: 1,
        max: 10_000,
        default: 50,
      }),
    },
    webhook: webhookSettings,
    dialogs: oneOf({
      doc: "Calls of a user whose registration ends: left alone, or ended with BYE both ways.",
      words: ["leave", "release"],
      default: "leave",
    }),
    faults: faultSetting(),
    networkFaults: networkFaultSetting(),
    limits: {
      ...sipLimitSettings,
      maxSubscriptionsPerUser: integer({
        doc: "Subscriptions to one user's registration, whoever's; more: 403.",
        min: 1,
        default: 32,
      }),
      maxChallengesPerUser: integer({
        doc: "Challenges of one user that are remembered until answered.",
        min: 1,
        max: 100,
        default: 4,
      }),
      maxDialogs: integer({
        doc: "Dialogs remembered, to be released and to be told from made-up ones; the oldest is forgotten first.",
        min: 1,
        default: 100_000,
      }),
    },
  },
  presets: {
    key: "profile",
    values: {
      seed: {},
      ts24229: {
        "subscription.duty": "warn",
        "subscription.deadlineSeconds": 120,
        "subscription.raiseOwn": false,
        "reauthentication.deadlineSeconds": 600,
        "pcscf.subscribe": false,
      },
    },
  },
  impossible: impossibleCombinations,
};

function impossibleCombinations(config: ScscfConfig): readonly Impossible[] {
  const { sip, registration, reauthentication, subscription } = config;
  const found: Impossible[] = [
    ...impossibleTls("sip", config.sip.tls),
    ...impossibleFaults(scscfFaults, config.faults),
    ...impossibleNetworkFaults(config.networkFaults),
    ...impossibleCluster(config.cluster, config.store),
  ];
  if (lacksAdvertise(sip)) {
    found.push({ key: "sip.advertise", allowed: `an address, since sip.host is ${sip.host}` });
  }
  found.push(...impossibleWebhook(config.webhook));
  if (registration.minExpires > registration.maxExpires) {
    const allowed = `at most registration.maxExpires (${registration.maxExpires})`;
    found.push({ key: "registration.minExpires", allowed });
  }
  if (registration.defaultExpires > registration.maxExpires) {
    const allowed = `at most registration.maxExpires (${registration.maxExpires})`;
    found.push({ key: "registration.defaultExpires", allowed });
  }
  if (reauthentication.deadlineSeconds > registration.maxExpires) {
    const allowed = `at most registration.maxExpires (${registration.maxExpires})`;
    found.push({ key: "reauthentication.deadlineSeconds", allowed });
  }
  const rules = subscription.dutyByUserAgent.flatMap((one) => parseUserAgentDuty(one) ?? []);
  const shadowed = shadowedDuty(rules);
  if (shadowed !== undefined) {
    const { rule, by } = shadowed;
    const allowed = `"${rule.text}" before "${by.text}", which matches all that it does`;
    found.push({ key: "subscription.dutyByUserAgent", allowed });
  }
  return found;
}
