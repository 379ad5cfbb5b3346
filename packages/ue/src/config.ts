// The UE's settings; environment names start with UE_. docs/operations.md.
import { ueFaults } from "@ims-lab/common/admin-api/faults";
import { faultSetting, impossibleFaults } from "@ims-lab/common/faults/fault-setting";
import {
  impossibleNetworkFaults,
  networkFaultSetting,
} from "@ims-lab/common/faults/network-fault-setting";
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { LAB_DOMAIN } from "@ims-lab/common/ims/identities";
import type { Impossible, SchemaOf, Settings } from "@ims-lab/common/platform/config";
import { type HttpSettings, httpSettings } from "@ims-lab/common/platform/http";
import { type LogSettings, logSettings } from "@ims-lab/common/platform/logger";
import type { Secret } from "@ims-lab/common/platform/secret";
import { type TlsSettings, tlsSettings } from "@ims-lab/common/platform/secured-settings";
import {
  flag,
  hexKey,
  integer,
  type ListenSettings,
  lacksAdvertise,
  listenSettings,
  oneOf,
  optional,
  type Setting,
  seconds,
  secret,
  text,
  textThat,
} from "@ims-lab/common/platform/settings";
import { type SipLimits, sipLimitSettings } from "@ims-lab/common/sip/admission/limits";
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import { isSecured } from "@ims-lab/common/sip/proxy/secured";
import { IMS_TIMERS, RFC_TIMERS, type TimerSettings } from "@ims-lab/common/sip/transaction/timers";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import { type TraceSettings, traceSettings } from "@ims-lab/common/trace/node-trace";
import { CALL_DEFAULTS, type CallSettings } from "./call/calls.ts";
import { LEAST_SESSION_SECONDS } from "./call/session-timer.ts";

import { isInstance } from "./isim/sqn-store.ts";
import type { PongRule } from "./stack/flow-keep-alive.ts";

export interface UserConfig {
  /** `{n}` in these stands for the UE's number. */
  readonly impi: string;
  readonly impu: string;
  readonly k: Secret | undefined;
  readonly op: Secret | undefined;
  readonly opc: Secret | undefined;
  readonly password: Secret | undefined;
  readonly sqnFile: string | undefined;
  readonly instance: string | undefined;
  /** The number of the first UE. */
  readonly first: number;
}

export interface UeConfig {
  readonly profile: "seed" | "ts24229";
  readonly stack: "core" | "npm-sip";
  readonly transport: TransportName;
  readonly tls: Omit<TlsSettings, "port" | "requestClientCertificate">;
  readonly pcscf: string;
  readonly count: number;
  readonly sip: ListenSettings;
  readonly user: UserConfig;
  readonly registration: {
    readonly expiresSeconds: number;
    readonly auto: boolean;
    readonly checkSeconds: number;
    readonly pongs: PongRule;
    readonly perSecond: number;
  };
  readonly subscription: {
    readonly event: "own" | "reg" | "none";
    readonly expiresSeconds: number;
  };
  readonly calls: CallSettings & { readonly media: boolean };
  /** To test networks with: docs/faults.md. */
  readonly faults: readonly string[];
  readonly networkFaults: readonly string[];
  /** Of the stack `core`. */
  readonly limits: SipLimits;
  readonly timers: {
    readonly profile: "rfc" | "ims";
    readonly t1Ms: number | undefined;
    readonly t2Ms: number | undefined;
    readonly t4Ms: number | undefined;
  };
  readonly http: HttpSettings;
  readonly log: LogSettings;
  readonly trace: TraceSettings;
}

const longestSeconds = { min: 1, max: 2 ** 32 - 1 };

const tls = tlsSettings(0);

const schema: SchemaOf<UeConfig> = {
  profile: oneOf({
    doc: "Whose rules choose the defaults: the 2001 document's or TS 24.229's.",
    words: ["seed", "ts24229"],
    default: "seed",
  }),
  stack: oneOf({
    doc: "SIP stack: this project's, or the npm package sip.",
    words: ["core", "npm-sip"],
    default: "core",
  }),
  transport: oneOf({
    doc: "Transport to the P-CSCF.",
    words: ["udp", "tcp", "tls", "ws", "wss"],
    default: "udp",
  }),
  tls: { key: tls.key, cert: tls.cert, ca: tls.ca },
  pcscf: textThat({
    doc: "The P-CSCF, by which everything goes.",
    allowed: "a SIP URI such as sip:127.0.0.1:5060",
    accepts: (written) => isSip(parseUri(written)),
    default: "sip:127.0.0.1:5060",
  }),
  count: integer({ doc: "UEs in this process.", min: 1, max: 100_000, default: 1 }),
  sip: listenSettings({ what: "SIP; the first UE's port, each has its own", port: 0 }),
  user: {
    impi: textThat({
      doc: "Private identity; {n}: the UE's number.",
      allowed: "user@home-domain",
      accepts: (written) => /^[^@\s"<>]+@[^@\s"<>]+$/.test(written),
      default: `001010000000001@${LAB_DOMAIN}`,
    }),
    impu: textThat({
      doc: "Public identity to register; {n}: the UE's number.",
      allowed: "a SIP or tel URI",
      accepts: (written) => parseUri(written.replaceAll("{n}", "1")) !== undefined,
      default: `sip:001010000000001@${LAB_DOMAIN}`,
    }),
    k: hexKey({ doc: "ISIM key K." }),
    op: hexKey({ doc: "Operator's OP." }),
    opc: hexKey({ doc: "OPc, instead of OP." }),
    password: secret({ doc: "Password, instead of an ISIM; {n}: the UE's number." }),
    sqnFile: optional(
      text({
        doc: "Where UE and ISIM keep instance and sequence numbers; {n} as above.",
        default: "-",
      }),
    ),
    instance: optional(
      textThat({
        doc: "+sip.instance of the device; {n} as above; absent: from user.sqnFile, or drawn at start.",
        allowed: "a URN such as urn:uuid:00000000-0000-4000-8000-000000000001",
        accepts: (written) => isInstance(written.replaceAll("{n}", "1")),
        default: "-",
      }),
    ),
    first: integer({ doc: "Number of the first UE.", min: 0, default: 1 }),
  },
  registration: {
    expiresSeconds: seconds({ doc: "Asked for.", ...longestSeconds, default: 600_000 }),
    auto: flag({ doc: "Register at start.", default: true }),
    checkSeconds: seconds({
      doc: "Between two OPTIONS that ask whether the network still knows the registration; 0: none.",
      max: 86_400,
      default: 30,
    }),
    pongs: oneOf({
      doc: "When a connection (TCP, TLS, WebSocket) whose keep-alive is not answered within 10 s is given up: once the P-CSCF has answered one, always, never (RFC 5626 §4.4.1).",
      words: ["learn", "require", "ignore"],
      default: "learn",
    }),
    perSecond: integer({ doc: "UEs that start registering per second.", min: 1, default: 50 }),
  },
  subscription: {
    event: oneOf({
      doc: "Package: the lab's own, RFC 3680's, or no subscription.",
      words: ["own", "reg", "none"],
      default: "own",
    }),
    expiresSeconds: seconds({ doc: "Asked for.", ...longestSeconds, default: 600_000 }),
  },
  calls: {
    incoming: oneOf({
      doc: "What becomes of a call that comes in.",
      words: ["answer", "ring", "busy", "decline"],
      default: "answer",
    }),
    noAnswerSeconds: seconds({ doc: "A call rings so long, then 480.", min: 1, default: 60 }),
    atOnce: integer({ doc: "Calls at once; a further one is busy.", min: 1, default: 1 }),
    sessionExpiresSeconds: integer({
      doc: "A call ends when it was not refreshed for so many seconds (RFC 4028).",
      min: LEAST_SESSION_SECONDS,
      default: CALL_DEFAULTS.sessionExpiresSeconds,
    }),
    media: flag({ doc: "Open a port that counts the RTP packets of calls.", default: true }),
  },
  faults: faultSetting(),
  networkFaults: networkFaultSetting(),
  limits: sipLimitSettings,
  timers: {
    profile: oneOf({
      doc: "T1/T2/T4: RFC 3261's (0.5/4/5 s) or TS 24.229's at the UE (2/16/17 s).",
      words: ["rfc", "ims"],
      default: "rfc",
    }),
    t1Ms: optional(milliseconds("T1.")),
    t2Ms: optional(milliseconds("T2.")),
    t4Ms: optional(milliseconds("T4.")),
  },
  http: httpSettings(9063),
  log: logSettings,
  trace: traceSettings,
};

function milliseconds(doc: string): Setting<number> {
  return integer({ doc, min: 10, max: 60_000, default: 0 });
}

export const ueSettings: Settings<UeConfig> = {
  node: "UE",
  schema,
  presets: {
    key: "profile",
    values: {
      seed: { "subscription.event": "own" },
      ts24229: { "subscription.event": "reg" },
    },
  },
  impossible: (config) => [
    ...impossibleCredentials(config.user),
    ...impossibleCount(config),
    ...impossibleTransport(config),
    ...impossibleIdentity(config),
    ...impossibleFaults(ueFaults, config.faults),
    ...impossibleNetworkFaults(config.networkFaults),
    ...(lacksAdvertise(config.sip)
      ? [{ key: "sip.advertise", allowed: "an address, when sip.host is a wildcard" }]
      : []),
  ],
};

function impossibleCredentials(user: UserConfig): readonly Impossible[] {
  const { k, op, opc, password } = user;
  const found: Impossible[] = [];
  if (k === undefined && password === undefined) {
    found.push({ key: "user.k", allowed: "a key (with user.op or user.opc), or user.password" });
  }
  if (k !== undefined && password !== undefined) {
    found.push({ key: "user.password", allowed: "nothing, as user.k is given" });
  }
  if (k !== undefined && (op === undefined) === (opc === undefined)) {
    found.push({ key: "user.opc", allowed: "either user.op or user.opc" });
  }
  return found;
}

function impossibleCount({ count, user, sip }: UeConfig): readonly Impossible[] {
  if (count === 1) return [];
  const found: Impossible[] = [];
  for (const key of ["impi", "impu"] as const) {
    if (!user[key].includes("{n}")) {
      found.push({ key: `user.${key}`, allowed: "an identity with {n}, as count is above 1" });
    }
  }
  if (user.sqnFile?.includes("{n}") === false) {
    found.push({ key: "user.sqnFile", allowed: "a path with {n}, as count is above 1" });
  }
  if (user.instance?.includes("{n}") === false) {
    found.push({ key: "user.instance", allowed: "a URN with {n}, as count is above 1" });
  }
  if (sip.port !== 0 && sip.port + count > 65_536) {
    found.push({ key: "sip.port", allowed: "0, or room for one port per UE above it" });
  }
  return found;
}

function impossibleTransport({
  stack,
  transport,
  tls: files,
  networkFaults,
}: UeConfig): readonly Impossible[] {
  const found: Impossible[] = [];
  if (stack === "npm-sip" && networkFaults.length > 0)
    found.push({
      key: "networkFaults",
      allowed: "nothing, as the npm package sip lets nobody in between",
    });
  if (stack === "npm-sip" && transport !== "udp" && transport !== "tcp")
    found.push({ key: "transport", allowed: "udp or tcp, as the npm package sip has no other" });
  if ((files.key === undefined) !== (files.cert === undefined))
    found.push({ key: "tls.key", allowed: "tls.key and tls.cert together" });
  return found;
}

/** RFC 5630 §5.1.1: `sips:` is TLS from the first hop on. */
function impossibleIdentity({ user, transport }: UeConfig): readonly Impossible[] {
  if (!isSecured(user.impu) || transport === "tls" || transport === "wss") return [];
  return [{ key: "user.impu", allowed: "a sip: or tel: URI, as transport is neither tls nor wss" }];
}

/** Milliseconds. */
export function timersOf({ timers }: UeConfig): TimerSettings {
  const preset = timers.profile === "ims" ? IMS_TIMERS : RFC_TIMERS;
  return {
    t1: timers.t1Ms ?? preset.t1,
    t2: timers.t2Ms ?? preset.t2,
    t4: timers.t4Ms ?? preset.t4,
  };
}

export function packageOf({
  subscription,
}: UeConfig): typeof OWN_PACKAGE | typeof REG_PACKAGE | "none" {
  switch (subscription.event) {
    case "own":
      return OWN_PACKAGE;
    case "reg":
      return REG_PACKAGE;
    case "none":
      return "none";
  }
}
