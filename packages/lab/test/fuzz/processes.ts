// The nodes that are fuzzed, as processes on ports of their own; their health and memory.
import { readFileSync } from "node:fs";
import { systemClock } from "@ims-lab/common/platform/clock";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import type { WirePorts } from "./wire.ts";

export const HOST = "127.0.0.1";
const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";
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

const CERTIFICATES = new URL("../../../common/test/certificates/", import.meta.url).pathname;
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

export interface FuzzedNodes {
  readonly http: readonly { readonly name: string; readonly port: number }[];
  /** Rejects with the node's name and code when one ends. */
  readonly died: Promise<never>;
  /** Resident octets of P-CSCF and S-CSCF. */
  memory(): number;
  /** Throws, saying what is wrong, when a node is not healthy or a known user cannot register. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNodes(): Promise<FuzzedNodes> {
  const nodes: ChildNode[] = [];
  const start = async (
    name: "scscf" | "pcscf" | "ue",
    env: Record<string, string | undefined>,
  ): Promise<void> => {
    const program = new URL(`../../../${name}/src/main.ts`, import.meta.url).pathname;
    const node = startChild({
      name,
      program,
      // biome-ignore lint/style/noProcessEnv: the program's own environment ends here
      env: { PATH: process.env["PATH"], ...env, [`${name.toUpperCase()}_LOG_LEVEL`]: "error" },
      onLine: (line) => process.stderr.write(`${name}: ${line}\n`),
    });
    nodes.push(node);
    await node.ready;
  };
  await start("scscf", {
    SCSCF_SIP_PORT: String(PORTS.serving),
    SCSCF_HTTP_PORT: String(PORTS.scscfHttp),
    SCSCF_TRUSTED_PEERS: `${HOST}:${PORTS.core}`,
  });
  await start("pcscf", {
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
  });
  await Promise.all(
    USERS.map(({ transport, pcscf, http, user }) =>
      start("ue", {
        UE_PCSCF: pcscf,
        UE_TRANSPORT: transport,
        UE_TLS_CA: transport === "tls" || transport === "wss" ? AUTHORITY : undefined,
        UE_HTTP_PORT: String(http),
        UE_USER_IMPI: `${user}@${DOMAIN}`,
        UE_USER_IMPU: `sip:${user}@${DOMAIN}`,
        UE_USER_PASSWORD: user.replace("load", "pw"),
      }),
    ),
  );
  const [scscf, pcscf] = nodes;
  const died = Promise.race(
    nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    }),
  );
  died.catch(() => undefined); // heard where it is raced
  return {
    http: [
      { name: "S-CSCF", port: PORTS.scscfHttp },
      { name: "P-CSCF", port: PORTS.pcscfHttp },
    ],
    died,
    memory: () => residentOctets(scscf?.pid) + residentOctets(pcscf?.pid),
    check,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

function residentOctets(pid: number | undefined): number {
  const pages = readFileSync(`/proc/${pid ?? "self"}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

const clock = systemClock();

async function check(): Promise<void> {
  for (const port of [PORTS.scscfHttp, PORTS.pcscfHttp]) {
    const { ok, status } = await fetch(`http://${HOST}:${port}/healthz`);
    if (!ok) throw new Error(`/healthz on port ${port} answered ${status}`);
  }
  await Promise.all(USERS.map(registersAgain));
}

async function registersAgain({ transport, http, user }: (typeof USERS)[number]): Promise<void> {
  const before = await registeredAt(user);
  await fetch(`http://${HOST}:${http}/register`, { method: "POST" });
  for (let tries = 0; tries < 100; tries++) {
    if ((await registeredAt(user)) > before) return;
    await new Promise<void>((resolve) => clock.after(50, resolve));
  }
  throw new Error(`a known user could not register over ${transport} within five seconds`);
}

/** When the S-CSCF last accepted a REGISTER of this user, 0 when it is not registered. */
async function registeredAt(user: string): Promise<number> {
  const impu = encodeURIComponent(`sip:${user}@${DOMAIN}`);
  const answer = await fetch(`http://${HOST}:${PORTS.scscfHttp}/registrations/${impu}`);
  if (!answer.ok) return 0;
  const { bindings } = (await answer.json()) as {
    bindings: { cseq: number; registeredAt: number }[];
  };
  return Math.max(0, ...bindings.map(({ cseq, registeredAt: at }) => at + cseq));
}
