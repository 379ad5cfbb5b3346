// A lab whose every SIP link is a damaging wire: UEs, P-CSCF and S-CSCF call themselves by the wires' addresses.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { ChildNode } from "../../src/launcher/child-node.ts";
import { DatagramWire } from "./datagram-wire.ts";
import type { Faults } from "./faults.ts";
import {
  DOMAIN,
  deathOf,
  HOST,
  isHealthy,
  type NodeStart,
  residentOctets,
  startNode,
} from "./processes.ts";
import { StreamWire } from "./stream-wire.ts";

/** An address of its own: what damage makes of an address then seldom names somebody's node. */
export const LIVE_HOST = "127.0.0.5";
/** Trusted by both CSCFs, at any port; the S-CSCF lets it assert, too. */
export const INSIDER = "127.0.0.6";

const PORTS = {
  access: 35_060,
  accessWire: 35_070,
  core: 34_060,
  coreWire: 34_070,
  serving: 36_060,
  servingWire: 36_070,
};
export const INSIDER_PORTS: readonly number[] = [PORTS.core, PORTS.serving];
export const HTTP = { pcscf: 39_161, scscf: 39_162 } as const;

export interface Phone {
  readonly name: string;
  readonly http: number;
  readonly impus: readonly string[];
  readonly answers: boolean;
  readonly env: NodeStart["env"];
}

function numbered(first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `sip:load${first + at}@${DOMAIN}`);
}

const DIGEST = {
  UE_USER_IMPI: `load{n}@${DOMAIN}`,
  UE_USER_IMPU: `sip:load{n}@${DOMAIN}`,
  UE_USER_PASSWORD: "pw{n}",
} as const;

/** Both ways to authenticate, both event packages, both transports of the wires. */
export const PHONES: readonly Phone[] = [
  {
    name: "live ue with a password",
    http: 39_163,
    impus: numbered(11, 3),
    answers: true,
    env: { ...DIGEST, UE_USER_FIRST: "11", UE_COUNT: "3", UE_SUBSCRIPTION_EVENT: "own" },
  },
  {
    name: "live ue with an ISIM",
    http: 39_164,
    impus: [`sip:001010000000001@${DOMAIN}`],
    answers: true,
    env: {
      UE_USER_K: "562514f1cf3ad1c0bf96a51d395e58ff",
      UE_USER_OP: "8d2a3d68595159fd7ad763c6ba6b0caa",
      UE_SUBSCRIPTION_EVENT: "reg",
    },
  },
  {
    name: "live ue over tcp",
    http: 39_165,
    impus: numbered(21, 2),
    answers: false,
    env: {
      ...DIGEST,
      UE_USER_FIRST: "21",
      UE_COUNT: "2",
      UE_SUBSCRIPTION_EVENT: "own",
      UE_TRANSPORT: "tcp",
      UE_CALLS_INCOMING: "ring",
    },
  },
];

/** The same Expires, deadlines and limits everywhere: short, so that a run sees their ends. */
const SERVING_ENV = {
  SCSCF_SIP_HOST: LIVE_HOST,
  SCSCF_SIP_PORT: String(PORTS.serving),
  SCSCF_SIP_ADVERTISE: `${LIVE_HOST}:${PORTS.servingWire}`,
  SCSCF_HTTP_PORT: String(HTTP.scscf),
  SCSCF_TRUSTED_PEERS: `${LIVE_HOST}:${PORTS.coreWire},${INSIDER}`,
  SCSCF_MAY_ASSERT: INSIDER,
  SCSCF_REGISTRATION_MIN_EXPIRES: "10",
  SCSCF_SUBSCRIPTION_DEADLINE_SECONDS: "8",
  SCSCF_SUBSCRIPTION_RAISE_OWN: "false",
  SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: "8",
  SCSCF_PCSCF_SUBSCRIBE: "true",
  SCSCF_POLICY_ON_METHODS: "MESSAGE",
  SCSCF_DIALOGS: "release",
};
const PROXY_ENV = {
  PCSCF_ACCESS_HOST: LIVE_HOST,
  PCSCF_ACCESS_PORT: String(PORTS.access),
  PCSCF_ACCESS_ADVERTISE: `${LIVE_HOST}:${PORTS.accessWire}`,
  PCSCF_CORE_HOST: LIVE_HOST,
  PCSCF_CORE_PORT: String(PORTS.core),
  PCSCF_CORE_ADVERTISE: `${LIVE_HOST}:${PORTS.coreWire}`,
  PCSCF_TRUSTED_PEERS: `${LIVE_HOST}:${PORTS.servingWire},${INSIDER}`,
  PCSCF_SCSCF: `sip:${LIVE_HOST}:${PORTS.servingWire}`,
  PCSCF_HTTP_PORT: String(HTTP.pcscf),
  PCSCF_SUBSCRIBE_REG: "true",
  PCSCF_REAUTHENTICATION_DEADLINE_SECONDS: "8",
  PCSCF_FLOWS_LOST_SECONDS: "3",
  PCSCF_LIMITS_PARTIAL_MESSAGE_SECONDS: "2",
};
const PHONE_ENV = {
  UE_PCSCF: `sip:${LIVE_HOST}:${PORTS.accessWire}`,
  UE_SIP_HOST: LIVE_HOST,
  UE_REGISTRATION_EXPIRES_SECONDS: "40",
  // RFC 6665 §4.2.2: a NOTIFY answered 481 ends a subscription, and its UE learns that when it refreshes.
  UE_SUBSCRIPTION_EXPIRES_SECONDS: "10",
  // Timers F and N (64*T1) shall end within what a person would wait.
  UE_TIMERS_T1_MS: "100",
  UE_TIMERS_T2_MS: "800",
  UE_CALLS_AT_ONCE: "4",
  UE_CALLS_NO_ANSWER_SECONDS: "5",
  UE_LIMITS_PARTIAL_MESSAGE_SECONDS: "2",
};

export interface LiveNodes {
  /** Rejects with the node's name and code when one ends. */
  readonly died: Promise<never>;
  /** What has passed lately, wire by wire, as it was sent. */
  passed(): readonly (readonly Buffer[])[];
  /** Harm from here on, or none. */
  setHonest(honest: boolean): void;
  /** Datagrams and chunks harmed so far. */
  harmed(): number;
  /** Resident octets of all of them. */
  memory(): number;
  /** Throws when one does not answer. */
  checkHealth(): Promise<void>;
  stop(): Promise<void>;
}

export async function startLiveNodes(options: {
  readonly clock: Clock;
  readonly seed: number;
  readonly faults: Faults;
}): Promise<LiveNodes> {
  const { seed, faults } = options;
  const datagrams = [coreWire(options), accessWire(options)];
  const stream = accessStream(options);
  const wires = [...datagrams, stream];
  for (const wire of wires) await wire.listen();
  // Either profile has its turn.
  const profile = seed % 2 === 0 ? "ts24229" : "seed";
  const start = (program: NodeStart["program"], name: string, env: NodeStart["env"]) =>
    startNode(
      { program, name, env: { ...env, [`${program.toUpperCase()}_PROFILE`]: profile } },
      faults,
    );
  const nodes: ChildNode[] = [
    await start("scscf", "live scscf", SERVING_ENV),
    await start("pcscf", "live pcscf", PROXY_ENV),
  ];
  for (const { name, http, env } of PHONES)
    nodes.push(await start("ue", name, { ...PHONE_ENV, ...env, UE_HTTP_PORT: String(http) }));
  return {
    died: deathOf(nodes),
    passed: () => wires.map(({ source }) => source.passed),
    setHonest: (honest) => {
      for (const { source } of wires) source.honest = honest;
      if (honest) stream.cut();
    },
    harmed: () => wires.reduce((sum, { source }) => sum + source.harmed, 0),
    memory: () => residentOctets(nodes),
    checkHealth: async () => {
      const ports = [HTTP.pcscf, HTTP.scscf, ...PHONES.map(({ http }) => http)];
      for (const port of ports) await isHealthy(HOST, port);
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
      await Promise.all(wires.map((wire) => wire.close()));
    },
  };
}

type WireOptions = Parameters<typeof startLiveNodes>[0];

function at(port: number): { host: string; port: number } {
  return { host: LIVE_HOST, port };
}

function coreWire({ clock, seed, faults }: WireOptions): DatagramWire {
  return new DatagramWire({
    clock,
    seed: seed * 10 + 1,
    faults,
    front: at(PORTS.servingWire),
    server: { ...at(PORTS.serving), name: "live scscf" },
    known: [{ client: at(PORTS.core), port: PORTS.coreWire }],
    clientName: "live pcscf",
  });
}

function accessWire({ clock, seed, faults }: WireOptions): DatagramWire {
  return new DatagramWire({
    clock,
    seed: seed * 10 + 2,
    faults,
    front: at(PORTS.accessWire),
    server: { ...at(PORTS.access), name: "live pcscf" },
    known: [],
    clientName: "live ue",
  });
}

function accessStream({ seed, faults }: WireOptions): StreamWire {
  return new StreamWire({
    seed: seed * 10 + 3,
    faults,
    front: at(PORTS.accessWire),
    server: { ...at(PORTS.access), name: "live pcscf" },
    clientName: "live ue",
  });
}
