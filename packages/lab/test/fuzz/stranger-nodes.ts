// The nodes a stranger throws at: a P-CSCF, an S-CSCF and a UE for each transport, on ports of their own.
import { fileURLToPath } from "node:url";
import { systemClock } from "@ims-lab/common/platform/clock";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import type { ChildNode } from "../../src/launcher/child-node.ts";
import type { Faults } from "./faults.ts";
import {
  ask,
  DOMAIN,
  deathOf,
  HOST,
  isHealthy,
  type NodeStart,
  residentOctets,
  startNode,
} from "./processes.ts";
import type { WirePorts } from "./wire.ts";

/** Far from the lab's own ports. */
const PORTS = {
  access: 35_060,
  accessTls: 35_061,
  accessWs: 35_080,
  accessWss: 35_443,
  core: 34_060,
  serving: 36_060,
  pcscfHttp: 39_061,
  scscfHttp: 39_062,
};

const CERTIFICATES = fileURLToPath(new URL("../../../common/test/certificates/", import.meta.url));
export const AUTHORITY: string = `${CERTIFICATES}authority.crt`;

/** Where SIP is thrown at: P-CSCF access and core, S-CSCF. */
const DATAGRAMS_AND_TCP = [PORTS.access, PORTS.core, PORTS.serving];
export const SIP_PORTS: Readonly<Record<TransportName, readonly number[]>> = {
  udp: DATAGRAMS_AND_TCP,
  tcp: DATAGRAMS_AND_TCP,
  tls: [PORTS.accessTls],
  ws: [PORTS.accessWs],
  wss: [PORTS.accessWss],
};
export const WIRE_PORTS: WirePorts = {
  tls: PORTS.accessTls,
  ws: PORTS.accessWs,
  wss: PORTS.accessWss,
};

/** A known user for each transport, each with a UE of its own. */
const USERS: readonly {
  readonly transport: TransportName;
  readonly pcscf: string;
  readonly http: number;
  readonly user: string;
}[] = [
  { transport: "udp", pcscf: `sip:${HOST}:${PORTS.access}`, http: 39_063, user: "load1" },
  { transport: "tcp", pcscf: `sip:${HOST}:${PORTS.access}`, http: 39_064, user: "load2" },
  { transport: "tls", pcscf: `sips:${HOST}:${PORTS.accessTls}`, http: 39_065, user: "load3" },
  { transport: "ws", pcscf: `sip:${HOST}:${PORTS.accessWs}`, http: 39_066, user: "load4" },
  { transport: "wss", pcscf: `sips:${HOST}:${PORTS.accessWss}`, http: 39_067, user: "load5" },
];

/** Names in messages of ours; the stranger's messages are remembered by port. */
export const NODE_AT: Readonly<Record<number, string>> = {
  [PORTS.access]: "pcscf",
  [PORTS.accessTls]: "pcscf",
  [PORTS.accessWs]: "pcscf",
  [PORTS.accessWss]: "pcscf",
  [PORTS.core]: "pcscf",
  [PORTS.serving]: "scscf",
};

export interface StrangerNodes {
  readonly http: readonly { readonly name: string; readonly port: number }[];
  /** Rejects with the node's name and code when one ends. */
  readonly died: Promise<never>;
  /** Resident octets of P-CSCF and S-CSCF. */
  memory(): number;
  /** Throws, saying what is wrong, when a node is not healthy or a known user cannot register. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

const SERVING: NodeStart = {
  program: "scscf",
  name: "scscf",
  env: {
    SCSCF_SIP_PORT: String(PORTS.serving),
    SCSCF_HTTP_PORT: String(PORTS.scscfHttp),
    SCSCF_TRUSTED_PEERS: `${HOST}:${PORTS.core}`,
  },
};
const PROXY: NodeStart = {
  program: "pcscf",
  name: "pcscf",
  env: {
    PCSCF_ACCESS_HOST: HOST,
    PCSCF_ACCESS_PORT: String(PORTS.access),
    PCSCF_ACCESS_TLS_PORT: String(PORTS.accessTls),
    PCSCF_ACCESS_TLS_KEY: `${CERTIFICATES}node.key`,
    PCSCF_ACCESS_TLS_CERT: `${CERTIFICATES}node.crt`,
    PCSCF_ACCESS_WS_PORT: String(PORTS.accessWs),
    PCSCF_ACCESS_WS_SECURE_PORT: String(PORTS.accessWss),
    PCSCF_CORE_PORT: String(PORTS.core),
    PCSCF_HTTP_PORT: String(PORTS.pcscfHttp),
    PCSCF_SCSCF: `sip:${HOST}:${PORTS.serving}`,
  },
};

function phoneOf({ transport, pcscf, http, user }: (typeof USERS)[number]): NodeStart {
  const secured = transport === "tls" || transport === "wss";
  return {
    program: "ue",
    name: `ue over ${transport}`,
    env: {
      UE_PCSCF: pcscf,
      UE_TRANSPORT: transport,
      UE_TLS_CA: secured ? AUTHORITY : undefined,
      UE_HTTP_PORT: String(http),
      UE_USER_IMPI: `${user}@${DOMAIN}`,
      UE_USER_IMPU: `sip:${user}@${DOMAIN}`,
      UE_USER_PASSWORD: user.replace("load", "pw"),
    },
  };
}

export async function startStrangerNodes(faults: Faults): Promise<StrangerNodes> {
  const cores: ChildNode[] = [];
  for (const node of [SERVING, PROXY]) cores.push(await startNode(node, faults));
  const phones = await Promise.all(USERS.map((user) => startNode(phoneOf(user), faults)));
  const nodes = [...cores, ...phones];
  return {
    http: [
      { name: "scscf", port: PORTS.scscfHttp },
      { name: "pcscf", port: PORTS.pcscfHttp },
    ],
    died: deathOf(nodes),
    memory: () => residentOctets(cores),
    check,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

const clock = systemClock();

async function check(): Promise<void> {
  for (const port of [PORTS.scscfHttp, PORTS.pcscfHttp]) await isHealthy(HOST, port);
  await Promise.all(USERS.map(registersAgain));
}

/** Looks, 50 ms each. */
const ASKED_EVERY = 20;

async function registersAgain({ transport, http, user }: (typeof USERS)[number]): Promise<void> {
  const before = await registeredAt(user);
  for (let tries = 0; tries < 100; tries++) {
    // While a registration is under way it is the one that was asked for, and may have been accepted before we looked.
    if (tries % ASKED_EVERY === 0) await ask(`http://${HOST}:${http}/register`, { method: "POST" });
    if ((await registeredAt(user)) > before) return;
    await new Promise<void>((resolve) => clock.after(50, resolve));
  }
  throw new Error(`a known user could not register over ${transport} within five seconds`);
}

/** When the S-CSCF last accepted a REGISTER of this user, 0 when it is not registered. */
async function registeredAt(user: string): Promise<number> {
  const impu = encodeURIComponent(`sip:${user}@${DOMAIN}`);
  const answer = await ask(`http://${HOST}:${PORTS.scscfHttp}/registrations/${impu}`);
  if (!answer.ok) return 0;
  const { bindings } = (await answer.json()) as {
    bindings: { cseq: number; registeredAt: number }[];
  };
  return Math.max(0, ...bindings.map(({ cseq, registeredAt: at }) => at + cseq));
}
