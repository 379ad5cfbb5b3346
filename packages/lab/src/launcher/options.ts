// The command line of `npm start` and `npm run demo`.

import { parseArgs } from "node:util";
import {
  isRuleProblem,
  type NetworkRule,
  networkActions,
  parseNetworkRule,
  ruleText,
} from "@ims-lab/common/faults/network-rule";
import { homeDomain, type Plmn } from "@ims-lab/common/ims/identities";
import { isHost } from "@ims-lab/common/platform/cidr";
import { parseIp } from "@ims-lab/common/platform/ip-address";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { parseHostPort } from "@ims-lab/common/sip/message/uri";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { Environment } from "../terminal.ts";
import type { FigureOptions } from "./figures.ts";
import { whyNever } from "./rule-in-figure.ts";

export interface LabOptions extends FigureOptions {
  /** Exit when the figures have passed, instead of staying up. */
  readonly demo: boolean;
  readonly stack: "core" | "npm-sip";
  readonly transport: "udp" | "tcp";
  /** Where the access side listens: an address of this machine, or 0.0.0.0 or ::. */
  readonly host: string;
  /** The address for devices instead of `host`. */
  readonly advertise: string | undefined;
  /** Path of the users' file; undefined: the shipped one. */
  readonly subscribers: string | undefined;
  /** Home domain; undefined: what the environment says, or the lab's. */
  readonly domain: string | undefined;
  /** The network that domain and shipped IMSIs are of; undefined: the domain's own, or the lab's test network. */
  readonly plmn: Plmn | undefined;
  /** Capture file of all that passes the P-CSCF. */
  readonly pcap: string | undefined;
  /** A HEP3 collector that gets what the ladder is fed from. */
  readonly hep: HostPort | undefined;
  /** Whether the lab brings its own UE, and so shows the figures. */
  readonly ue: boolean;
  /** An IMPU, an IMPI, a name or an address: the only device that is shown. */
  readonly only: string | undefined;
  /** A short N, so that a UE of TS 24.229 does not take half of 600 s. */
  readonly fast: boolean;
  /** Nothing outlives the run; a demo always begins anew. */
  readonly memory: boolean;
  /** Added to every port, so that two labs can run on one machine. */
  readonly portOffset: number;
  /** Messages that are lost, late, twice or overtaken on their way. */
  readonly networkRules: readonly NetworkRule[];
  /** Show the nodes' logs between the ladder's lines. */
  readonly verbose: boolean;
}

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: LabOptions }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

const CHOICES = {
  profile: ["seed", "ts24229"],
  expires: ["registration", "unlimited"],
  stack: ["core", "npm-sip"],
  transport: ["udp", "tcp"],
} as const;

const OPTIONS = {
  demo: { type: "boolean" },
  profile: { type: "string" },
  expires: { type: "string" },
  fast: { type: "boolean" },
  host: { type: "string" },
  advertise: { type: "string" },
  subscribers: { type: "string" },
  domain: { type: "string" },
  mcc: { type: "string" },
  mnc: { type: "string" },
  "no-ue": { type: "boolean" },
  stack: { type: "string" },
  transport: { type: "string" },
  only: { type: "string" },
  pcap: { type: "string" },
  hep: { type: "string" },
  memory: { type: "boolean" },
  "port-offset": { type: "string" },
  drop: { type: "string", multiple: true },
  delay: { type: "string", multiple: true },
  duplicate: { type: "string", multiple: true },
  reorder: { type: "string", multiple: true },
  verbose: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** All but the one that stands behind `npm run demo`. */
export const OPTION_NAMES: readonly string[] = Object.keys(OPTIONS).filter((o) => o !== "demo");

export const LAUNCHER_HELP = `Usage: npm start [-- OPTIONS]      the lab, until Ctrl-C
       npm run demo [-- OPTIONS]   the same, ends when the figures have passed
                                   (0, last line PASS), or not (1, FAIL)

  --profile seed|ts24229     the 2001 document's procedure (default), or the
                             one of the standard
  --expires registration|unlimited
                             how long subscriptions live: with the registration
                             (default: they are renewed after it, the dashed
                             messages), or until it ends
  --fast                     N = 8 s instead of the profile's 60 or 600 s; a UE
                             of ts24229 takes up to half of N. Its demo
                             always does this

 Devices and users
  --host ADDRESS             where devices reach the P-CSCF: an address of this
                             machine (default 127.0.0.1), or 0.0.0.0 or :: for
                             all of them; IPv6 without brackets
  --advertise ADDRESS        what devices are told instead: behind NAT
  --subscribers FILE         your users instead of the shipped ones
  --domain DOMAIN            home domain; the shipped users move there
  --mcc MCC --mnc MNC        your network: the domain is then
                             ims.mncMNC.mccMCC.3gppnetwork.org, and the shipped
                             SIM's IMSI is of it (IMSLAB_MCC, IMSLAB_MNC)
  --no-ue                    without the lab's own UE, so without the figures

 The lab's own UE
  --stack core|npm-sip       this project's SIP stack, or the npm package sip
  --transport udp|tcp        between UE and P-CSCF (default udp)

 What is shown
  --only USER                one device: IMPU, IMPI, user name, or its address
  --pcap FILE                write what passes the P-CSCF to a capture file
  --hep HOST:PORT            send what the nodes trace to a HEP3 collector
  --verbose                  the nodes' logs too
  --memory                   forget at the end; else .ims-lab in this folder
                             keeps users registered for the next start
  --port-offset N            add N to every port, to run beside another lab
  -h, --help                 this text

 Network faults, each option as often as you like
  --drop, --delay, --duplicate, --reorder
                             'WHAT FROM>TO [N|N-M|*] [TIME] [@figureK]':
                             WHAT: a method, a status, a status with a method
                             (200 NOTIFY), or *; FROM>TO: U>P P>U P>S S>P, or
                             U>S S>U for what goes all the way; N: which of
                             them (1), counted with retransmissions; TIME: of
                             a delay, 500ms or 2s; @figure3: counted while the
                             lab plays that figure, and only then.
                             --drop 'NOTIFY S>P 1 @figure3'
                             --delay '200 S>U 2 500ms'

Other settings of the nodes come from the environment
(SCSCF_REAUTHENTICATION_DEADLINE_SECONDS=20 npm start); what npm start sets by
itself, it says. NO_COLOR, FORCE_COLOR and COLUMNS are respected.
`;

export function parseOptions(argv: readonly string[], env: Environment = {}): ParsedOptions {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help === true) return { kind: "help" };
    refuseContradictions(values);
    const plmn = plmnOf(values, env);
    const profile = choice("profile", values.profile ?? "seed");
    const expires = choice("expires", values.expires ?? "registration");
    const demo = values.demo === true;
    const options: LabOptions = {
      demo,
      verbose: values.verbose === true,
      profile,
      expires,
      stack: choice("stack", values.stack ?? "core"),
      transport: choice("transport", values.transport ?? "udp"),
      fast: values.fast === true || (demo && profile === "ts24229"),
      ue: values["no-ue"] !== true,
      memory: demo || values.memory === true,
      host: address("host", values.host ?? "127.0.0.1"),
      advertise: values.advertise && hostName("advertise", values.advertise),
      subscribers: filled("subscribers", "a path", values.subscribers),
      domain: domainOf(values, plmn),
      plmn,
      pcap: filled("pcap", "a path", values.pcap),
      hep: values.hep === undefined ? undefined : collector(values.hep),
      only: filled("only", "an IMPU, an IMPI, a user name or an address", values.only),
      networkRules: networkRules(values, { profile, expires }),
      portOffset: offset(values["port-offset"] ?? "0"),
    };
    return { kind: "options", options };
  } catch (problem) {
    return {
      kind: "refused",
      reason: reasonOf(problem),
    };
  }
}

type Values = {
  readonly [O in keyof typeof OPTIONS]?: string | boolean | readonly string[] | undefined;
};

function networkRules(values: Values, figures: FigureOptions): readonly NetworkRule[] {
  return networkActions.flatMap((action) => {
    const written = values[action];
    return (Array.isArray(written) ? written : []).map((text: string) => {
      const rule = parseNetworkRule(action, text);
      if (isRuleProblem(rule)) throw new Error(`--${rule.problem}`);
      const why = withoutSender(rule, values) ?? whyNever(rule, figures);
      if (why !== undefined) throw new Error(`--${action} "${ruleText(rule)}": ${why}`);
      return rule;
    });
  });
}

/** Of the lab's UE only where there is one, and where its stack lets somebody in between. */
function withoutSender({ from, figure }: NetworkRule, values: Values): string | undefined {
  if (values["no-ue"] === true && from === "U") return "there is no UE of the lab's (--no-ue)";
  if (values["no-ue"] === true && figure !== undefined)
    return "no figure is played without the lab's UE (--no-ue)";
  if (from === "U" && values.stack === "npm-sip") return "the stack npm-sip lets nobody in between";
  return undefined;
}

function refuseContradictions(values: Values): void {
  const together = (one: keyof Values, other: keyof Values, why: string): void => {
    if (values[one] !== undefined && values[other] !== undefined)
      throw new Error(`--${one} and --${other}: ${why}`);
  };
  if (values.demo === true && values["no-ue"] === true)
    throw new Error("--no-ue: the demo needs the lab's UE; use npm start");
  together("no-ue", "stack", "the stack is that of the lab's UE, which is left out");
  together("no-ue", "transport", "the transport is that of the lab's UE, which is left out");
  together("domain", "mcc", "both name the domain; give one");
  together("domain", "mnc", "both name the domain; give one");
}

function domainOf({ domain }: Values, plmn: Plmn | undefined): string | undefined {
  if (plmn !== undefined) return homeDomain(plmn.mcc, plmn.mnc);
  return typeof domain === "string" ? hostName("domain", domain).toLowerCase() : undefined;
}

/** Options before the environment; a domain that was given by name is of no network. */
function plmnOf(values: Values, env: Environment): Plmn | undefined {
  if (values.domain !== undefined) return undefined;
  const mcc = digitsOf("mcc", /^\d{3}$/, "three digits", values, env);
  const mnc = digitsOf("mnc", /^\d{2,3}$/, "two or three digits", values, env);
  if (mcc !== undefined && mnc !== undefined) return { mcc, mnc };
  if (mcc !== mnc) throw new Error("--mcc and --mnc make the domain together: give both");
  return undefined;
}

function digitsOf(
  option: "mcc" | "mnc",
  allowed: RegExp,
  expected: string,
  values: Values,
  env: Environment,
): string | undefined {
  const variable = `IMSLAB_${option.toUpperCase()}`;
  const written = values[option] ?? (env[variable] || undefined);
  if (written === undefined || allowed.test(String(written))) return written?.toString();
  const where = values[option] === undefined ? `${variable}=` : `--${option} `;
  throw new Error(`${where}${written}: expected ${expected}`);
}

function choice<K extends keyof typeof CHOICES>(
  name: K,
  written: string,
): (typeof CHOICES)[K][number] {
  const found = CHOICES[name].find((word) => word === written);
  if (found === undefined)
    throw new Error(`--${name} ${written}: expected ${CHOICES[name].join(" or ")}`);
  return found;
}

function address(name: string, written: string): string {
  const bare = written.replace(/^\[(.*)\]$/, "$1");
  if (parseIp(bare) === undefined || bare.includes("%"))
    throw new Error(`--${name} ${written}: expected an IP address of this machine, 0.0.0.0 or ::`);
  return bare;
}

function hostName(name: string, written: string): string {
  if (!isHost(written))
    throw new Error(`--${name} ${written}: expected an IP address or a host name, without a port`);
  return written;
}

function filled(name: string, what: string, written: string | undefined): string | undefined {
  if (written === "") throw new Error(`--${name}: expected ${what}`);
  return written;
}

function collector(written: string): HostPort {
  const { host = "", port = 0 } = parseHostPort(written) ?? {};
  if (port === 0)
    throw new Error(`--hep ${written}: expected HOST:PORT (IPv6 in brackets: [HOST]:PORT)`);
  return { host, port };
}

function offset(written: string): number {
  const value = Number(written);
  if (!Number.isInteger(value) || value < 0 || value > 50_000)
    throw new Error(`--port-offset ${written}: expected a number from 0 to 50000`);
  return value;
}
