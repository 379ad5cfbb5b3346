// The nodes' settings for one run of the lab, as environment variables, and what of the user's they replace.
import { type FigureNumber, networkSetting, type Place } from "@ims-lab/common/faults/network-rule";
import { isLoopback, isWildcard } from "@ims-lab/common/platform/ip-address";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { Environment } from "../terminal.ts";
import type { AkaAccount } from "./accounts.ts";
import type { LabOptions } from "./options.ts";

export interface LabPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
  readonly ueHttp: number;
}

/** Where the nodes meet each other, and their HTTP interfaces listen. */
export const LAB_HOST = "127.0.0.1";

export function labPorts(offset: number): LabPorts {
  return {
    access: 5060 + offset,
    core: 4060 + offset,
    serving: 6060 + offset,
    pcscfHttp: 9061 + offset,
    scscfHttp: 9062 + offset,
    ueHttp: 9063 + offset,
  };
}

type Variables = Readonly<Record<string, string>>;
export type NodeName = "scscf" | "pcscf" | "ue";

/** What the lab has found out before it starts its nodes. */
export interface LabFacts {
  readonly ports: LabPorts;
  /** `host:port` of the collector that the ladder is fed from. */
  readonly hep: string;
  /** Path of the users' file; undefined: the S-CSCF's own default. */
  readonly subscribers: string | undefined;
  readonly ue: AkaAccount | undefined;
  /** File of the UE's card and instance; undefined: a new card each time. */
  readonly ueCard: string | undefined;
  /** Addresses of this machine, as CIDRs such as `192.0.2.10/24`. */
  readonly networks: readonly string[];
}

/** A UE of TS 24.229 takes up to half of N. */
const SHORT_N_SECONDS = 8;

export function nodeEnvironments(
  options: LabOptions,
  facts: LabFacts,
): Readonly<Record<NodeName, Variables>> {
  const { ports, hep, subscribers } = facts;
  return {
    scscf: {
      SCSCF_PROFILE: options.profile,
      SCSCF_SIP_HOST: LAB_HOST,
      SCSCF_SIP_PORT: String(ports.serving),
      SCSCF_HTTP_HOST: LAB_HOST,
      SCSCF_HTTP_PORT: String(ports.scscfHttp),
      SCSCF_TRUSTED_PEERS: `${LAB_HOST}:${ports.core}`,
      SCSCF_SUBSCRIPTION_EXPIRES: options.expires,
      SCSCF_AUTHENTICATION_PROBE: "true",
      SCSCF_TRACE_HEP: hep,
      ...rulesOf("SCSCF", "S", options),
      ...storeOf(options, "scscf"),
      ...(options.domain !== undefined && { SCSCF_DOMAIN: options.domain }),
      ...(subscribers !== undefined && { SCSCF_SUBSCRIBERS: subscribers }),
      ...(options.fast && { SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: String(SHORT_N_SECONDS) }),
    },
    pcscf: {
      PCSCF_PROFILE: options.profile,
      PCSCF_ACCESS_HOST: options.host,
      PCSCF_ACCESS_PORT: String(ports.access),
      ...advertised(options, facts.networks),
      PCSCF_CORE_HOST: LAB_HOST,
      PCSCF_CORE_PORT: String(ports.core),
      PCSCF_SCSCF: `sip:${LAB_HOST}:${ports.serving}`,
      PCSCF_HTTP_HOST: LAB_HOST,
      PCSCF_HTTP_PORT: String(ports.pcscfHttp),
      PCSCF_TRACE_HEP: hep,
      ...rulesOf("PCSCF", "P", options),
      ...storeOf(options, "pcscf"),
      ...(options.pcap !== undefined && { PCSCF_TRACE_PCAP: options.pcap }),
      ...(options.domain !== undefined && { PCSCF_ACCESS_VISITED_NETWORK_ID: options.domain }),
    },
    ue: facts.ue === undefined ? {} : ueEnvironment(options, facts, facts.ue),
  };
}

/** They pass by themselves as the lab starts: their rules hold from the start. */
const FIGURES_AT_START: ReadonlySet<FigureNumber> = new Set(["1", "2", "4"]);

/** A rule is its sender's to obey; of the figures, those that pass as the lab starts. */
function rulesOf(prefix: string, place: Place, { networkRules }: LabOptions): Variables {
  const own = networkRules.filter(
    ({ from, figure }) => from === place && (figure === undefined || FIGURES_AT_START.has(figure)),
  );
  return own.length === 0
    ? {}
    : { [`${prefix}_NETWORK_FAULTS`]: own.map(networkSetting).join(",") };
}

/** Of what outlives the run; undefined where the node's default, or the environment, says it. */
function storeOf(
  { memory, portOffset }: LabOptions,
  node: "scscf" | "pcscf",
): Variables | undefined {
  const name = `${node.toUpperCase()}_STORE`;
  if (memory) return { [name]: "memory" };
  // A file is one node's: two labs have two.
  return portOffset === 0 ? undefined : { [name]: `sqlite:${keptFile(`${node}.db`, portOffset)}` };
}

/** In the folder where `npm start` was typed. */
function keptFile(name: string, portOffset: number): string {
  return `.ims-lab/${portOffset === 0 ? "" : `${portOffset}-`}${name}`;
}

/** The card goes with the S-CSCF's sequence numbers: one without the other would have to resynchronise. */
export function ueCardOf({ memory, portOffset }: LabOptions, env: Environment): string | undefined {
  const isOwn = env["UE_USER_SQN_FILE"] !== undefined || env["UE_USER_INSTANCE"] !== undefined;
  if (memory || env["SCSCF_STORE"] === "memory" || isOwn) return undefined;
  return keptFile("ue.json", portOffset);
}

/** For a wildcard host: in each network our address in it, elsewhere the first that is not loopback. */
function advertised(
  { host, advertise }: LabOptions,
  networks: readonly string[],
): Variables | undefined {
  if (advertise !== undefined) return { PCSCF_ACCESS_ADVERTISE: bracketed(advertise) };
  if (!isWildcard(host)) return undefined;
  const isSix = host.includes(":");
  const own = networks
    .map((cidr) => ({ cidr, address: cidr.split("/")[0] ?? "" }))
    .filter(({ address }) => address.includes(":") === isSix && !/^fe80:/i.test(address));
  const outward = own.find(({ address }) => !isLoopback(address)) ?? own[0];
  const entries = own.map(({ cidr, address }) => `${cidr}=${bracketed(address)}`);
  const everybody = isSix ? "::/0" : "0.0.0.0/0";
  if (outward !== undefined) entries.push(`${everybody}=${bracketed(outward.address)}`);
  return { PCSCF_ACCESS_ADVERTISE: entries.join(",") };
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function ueEnvironment(options: LabOptions, facts: LabFacts, user: AkaAccount): Variables {
  const host = ueHost(options.host);
  return {
    UE_PROFILE: options.profile,
    UE_STACK: options.stack,
    UE_TRANSPORT: options.transport,
    UE_PCSCF: `sip:${formatHostPort({ host, port: facts.ports.access })}`,
    UE_SIP_HOST: host,
    UE_USER_IMPI: user.impi,
    UE_USER_IMPU: user.impu,
    UE_USER_K: user.k,
    ...(user.op === undefined ? { UE_USER_OPC: user.opc ?? "" } : { UE_USER_OP: user.op }),
    UE_HTTP_HOST: LAB_HOST,
    UE_HTTP_PORT: String(facts.ports.ueHttp),
    UE_TRACE_HEP: facts.hep,
    ...rulesOf("UE", "U", options),
    ...(facts.ueCard !== undefined && { UE_USER_SQN_FILE: facts.ueCard }),
  };
}

/** By which the lab's own UE reaches the access side. */
function ueHost(accessHost: string): string {
  if (!isWildcard(accessHost)) return accessHost;
  return accessHost.includes(":") ? "::1" : LAB_HOST;
}

/** One line for each variable of the user's that does not count, since the lab sets another value. */
export function replacedVariables(
  environments: Readonly<Record<NodeName, Variables>>,
  env: Environment,
): readonly string[] {
  return Object.values(environments)
    .flatMap((variables) => Object.entries(variables))
    .filter(([name, value]) => (env[name] ?? value) !== value && env[name] !== "")
    .map(([name, value]) => {
      const is = SECRET.test(name) ? "the lab's own" : value;
      return `${name} of the environment does not count here: npm start sets ${is}${hint(name)}`;
    });
}
const SECRET = /_(K|OP|OPC|PASSWORD)$/;

function hint(name: string): string {
  const [, option] = OPTION_FOR.find(([pattern]) => pattern.test(name)) ?? [];
  return option === undefined ? "" : ` (see ${option})`;
}

const OPTION_FOR: readonly (readonly [RegExp, string])[] = [
  [/_PROFILE$/, "--profile"],
  [/_TRACE_HEP$/, "--hep"],
  [/_TRACE_PCAP$/, "--pcap"],
  [/_PORT$|TRUSTED_PEERS$|PCSCF_SCSCF$/, "--port-offset"],
  [/ACCESS_HOST$|UE_PCSCF$|UE_SIP_HOST$/, "--host"],
  [/ADVERTISE$/, "--advertise"],
  [/DOMAIN$|VISITED_NETWORK_ID$/, "--domain"],
  [/SUBSCRIBERS$|UE_USER_/, "--subscribers"],
  [/SUBSCRIPTION_EXPIRES$/, "--expires"],
  [/DEADLINE_SECONDS$/, "--fast"],
  [/_NETWORK_FAULTS$/, "--drop"],
  [/CSCF_STORE$/, "--memory, --port-offset"],
  [/_STACK$/, "--stack"],
  [/_TRANSPORT$/, "--transport"],
];
