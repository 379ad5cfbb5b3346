// Settings of the P-CSCF: names, defaults, profiles.

import {
  impossibleNetworkFaults,
  networkFaultSetting,
} from "@ims-lab/common/faults/network-fault-setting";
import { LAB_DOMAIN } from "@ims-lab/common/ims/identities";
import { isHost, type TrustedPeer } from "@ims-lab/common/platform/cidr";
import type { Impossible, Settings } from "@ims-lab/common/platform/config";
import { type HttpSettings, httpSettings } from "@ims-lab/common/platform/http";
import { isIp } from "@ims-lab/common/platform/ip-address";
import { type LogSettings, logSettings } from "@ims-lab/common/platform/logger";
import {
  impossibleTls,
  type TlsSettings,
  tlsSettings,
  type WebSocketSettings,
  webSocketSettings,
} from "@ims-lab/common/platform/secured-settings";
import {
  flag,
  integer,
  type ListenSettings,
  lacksAdvertise,
  listenSettings,
  oneOf,
  type Setting,
  seconds,
  text,
  texts,
  textThat,
  trustedPeers,
  udpBatching,
} from "@ims-lab/common/platform/settings";
import { type SipLimits, sipLimitSettings } from "@ims-lab/common/sip/admission/limits";
import { type RateLimits, rateLimitSettings } from "@ims-lab/common/sip/admission/rates";
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import {
  type RestartSettings,
  restartSettings,
  type StoreSettings,
  storeSettings,
} from "@ims-lab/common/store/open-store";
import { type TraceSettings, traceSettings } from "@ims-lab/common/trace/node-trace";

export interface PcscfConfig extends StoreSettings {
  readonly profile: "seed" | "ts24229";
  readonly access: ListenSettings & {
    readonly udpBatching: boolean;
    readonly tls: TlsSettings;
    readonly ws: WebSocketSettings;
    readonly securityAgreement: "reject" | "ignore";
    readonly routeMismatch: "replace" | "reject";
    readonly visitedNetworkId: string;
  };
  readonly core: ListenSettings & {
    readonly udpBatching: boolean;
    readonly tls: TlsSettings;
    readonly udpMtuBytes: number;
  };
  /** SIP URIs of S-CSCFs. */
  readonly scscf: readonly string[];
  /** In lower case; empty: they share nothing. */
  readonly cluster: { readonly name: string };
  readonly restart: RestartSettings;
  readonly http: HttpSettings;
  readonly log: LogSettings;
  readonly trace: TraceSettings;
  /** To test devices and networks with: docs/faults.md. */
  readonly networkFaults: readonly string[];
  /** Empty: the S-CSCFs of `scscf`. */
  readonly trustedPeers: readonly TrustedPeer[];
  readonly subscribeReg: boolean;
  readonly subscription: { readonly raiseOwn: boolean };
  readonly reauthentication: {
    readonly deadlineSeconds: number;
    readonly maxAgeSeconds: number;
    readonly onFlowReplaced: boolean;
  };
  readonly flows: {
    readonly keepAliveSeconds: number;
    readonly lingerSeconds: number;
    readonly lostSeconds: number;
  };
  readonly authentication: { readonly awaitSeconds: number };
  readonly limits: SipLimits & RateLimits;
}

const writtenName = textThat({
  doc: "Host name that the S-CSCFs of `scscf` share (their cluster.name); empty: they share nothing.",
  allowed: "a host name, or nothing",
  accepts: (written) => written === "" || (isHost(written) && !isIp(written)),
  default: "",
});
const clusterName: Setting<string> = {
  ...writtenName,
  read: (written) => {
    const read = writtenName.read(written);
    return read && { value: read.value.toLowerCase() }; // as hosts are compared (RFC 3261 §19.1.4)
  },
};

export const settings: Settings<PcscfConfig> = {
  node: "PCSCF",
  schema: {
    profile: oneOf({
      doc: "What chooses the defaults: the 2001 proposal, or its descendant TS 24.229.",
      words: ["seed", "ts24229"],
      default: "seed",
    }),
    access: {
      ...listenSettings({ what: "UEs", port: 5060 }),
      udpBatching: udpBatching(),
      tls: tlsSettings(5061),
      ws: webSocketSettings(),
      securityAgreement: oneOf({
        doc: "UEs that insist on IPsec: 420, or go on without.",
        words: ["reject", "ignore"],
        default: "reject",
      }),
      routeMismatch: oneOf({
        doc: "A preloaded Route that is not the Service-Route.",
        words: ["replace", "reject"],
        default: "replace",
      }),
      visitedNetworkId: text({ doc: "P-Visited-Network-ID.", default: LAB_DOMAIN }),
    },
    core: {
      ...listenSettings({ what: "the core", port: 4060 }),
      udpBatching: udpBatching(),
      tls: tlsSettings(4061),
      udpMtuBytes: integer({
        doc: "Larger requests to the core go over TCP; 0: never.",
        min: 0,
        max: 65_535,
        default: 1300,
      }),
    },
    scscf: texts({
      doc: "SIP URIs of S-CSCFs; each user has one, the others stand by.",
      allowed: "a list of sip: or sips: URIs",
      minItems: 1,
      accepts: isSipUri,
      default: ["sip:127.0.0.1:6060"],
    }),
    cluster: { name: clusterName },
    ...storeSettings("pcscf"),
    restart: restartSettings,
    http: httpSettings(9061),
    log: logSettings,
    trace: traceSettings,
    networkFaults: networkFaultSetting(),
    trustedPeers: trustedPeers({
      doc: "Who may send requests to the core side; empty: the S-CSCFs.",
      default: [],
    }),
    subscribeReg: flag({
      doc: "Subscribe to the users' registrations at the S-CSCF (TS 24.229 §5.2.3).",
      default: false,
    }),
    subscription: {
      raiseOwn: flag({ doc: "Raise a short Expires to the registration's.", default: true }),
    },
    reauthentication: {
      deadlineSeconds: seconds({
        doc: "What `shortened` names when this node asks; the S-CSCF decides.",
        min: 1,
        default: 60,
      }),
      maxAgeSeconds: seconds({
        doc: "Ask for UEs that authenticated longer ago than this; 0: never.",
        default: 0,
      }),
      onFlowReplaced: flag({
        doc: "Ask for UEs whose new address was accepted without a challenge.",
        default: true,
      }),
    },
    flows: {
      lostSeconds: seconds({
        doc: "Ask for UEs whose TCP, TLS or WebSocket connection is gone so long; 0: never.",
        default: 30,
      }),
      keepAliveSeconds: seconds({
        doc: "CRLFCRLF to UEs behind NAT over UDP this often; 0: never.",
        default: 25,
      }),
      lingerSeconds: seconds({
        doc: "Context kept after a registration's end (64*T1).",
        default: 32,
      }),
    },
    authentication: {
      awaitSeconds: seconds({ doc: "How long a challenge may be answered.", min: 1, default: 240 }),
    },
    limits: { ...sipLimitSettings, ...rateLimitSettings },
  },
  presets: {
    key: "profile",
    values: {
      seed: {},
      ts24229: {
        subscribeReg: true,
        "subscription.raiseOwn": false,
        "reauthentication.deadlineSeconds": 600,
      },
    },
  },
  impossible: impossibleCombinations,
};

function isSipUri(written: string): boolean {
  const uri = parseUri(written);
  return isSip(uri);
}

function isAt(written: string, name: string): boolean {
  const uri = parseUri(written);
  return isSip(uri) && uri.host === name;
}

function impossibleCombinations(config: PcscfConfig): readonly Impossible[] {
  const { access, core, scscf } = config;
  const found: Impossible[] = [
    ...impossibleNetworkFaults(config.networkFaults),
    ...impossibleTls("access", access.tls, access.ws),
    ...impossibleTls("core", core.tls),
  ];
  if (core.tls.port === undefined && scscf.some((uri) => /^sips:/i.test(uri))) {
    found.push({ key: "core.tls.port", allowed: "a port, since scscf has a sips: URI" });
  }
  const { name } = config.cluster;
  if (name !== "" && scscf.some((uri) => isAt(uri, name)))
    found.push({ key: "cluster.name", allowed: `another name than that of one S-CSCF (${name})` });
  for (const [side, listen] of Object.entries({ access, core })) {
    if (!lacksAdvertise(listen)) continue;
    const allowed = `an address, since ${side}.host is ${listen.host}`;
    found.push({ key: `${side}.advertise`, allowed });
  }
  if (core.port !== 0 && core.port === access.port && core.host === access.host) {
    found.push({ key: "core.port", allowed: `another port than access.port (${access.port})` });
  }
  return found;
}
