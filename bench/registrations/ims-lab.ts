// This project's P-CSCF and S-CSCF as the load's target, each a process with its defaults.

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../machine/child.ts";
import { whenBound } from "../machine/ports.ts";
import { DOMAIN, subscribersFile } from "../nodes/users.ts";
import type { Bench, Server } from "./server.ts";

const HOST = "127.0.0.1";
const START_SECONDS = 15;

export function imsLabPorts({ portBase }: Bench): {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
} {
  return {
    access: portBase,
    core: portBase + 1,
    serving: portBase + 2,
    pcscfHttp: portBase + 3,
    scscfHttp: portBase + 4,
  };
}

export const STORES = ["memory", "sqlite", "redis"] as const;
export type StoreName = (typeof STORES)[number];

export interface ImsLabOptions {
  /** Where Node writes a CPU profile of each process, if given. */
  readonly profileFolder?: string | undefined;
  /** Whether busy nodes turn work away, as they do by default. */
  readonly governed?: boolean;
  /** Of both nodes; `memory` unless named. */
  readonly store?: StoreName;
}

export async function startImsLab(
  bench: Bench,
  users: number,
  { profileFolder, governed = false, store = "memory" }: ImsLabOptions = {},
): Promise<Server> {
  const ports = imsLabPorts(bench);
  const others = store === "redis" ? [await startRedis(bench)] : [];
  const storeOf = (node: "scscf" | "pcscf"): string => {
    if (store === "sqlite") return `sqlite:${join(bench.folder, `${node}.db`)}`;
    return store === "redis" ? `redis://${HOST}:${redisPort(bench)}` : store;
  };
  const subscribers = join(bench.folder, "subscribers.yaml");
  writeFileSync(subscribers, subscribersFile(users));
  const scscf = startNode(bench, "scscf", profileFolder, {
    SCSCF_SIP_HOST: HOST,
    SCSCF_SIP_PORT: String(ports.serving),
    SCSCF_HTTP_PORT: String(ports.scscfHttp),
    SCSCF_DOMAIN: DOMAIN,
    SCSCF_SUBSCRIBERS: subscribers,
    SCSCF_STORE: storeOf("scscf"),
    SCSCF_TRUSTED_PEERS: `${HOST}:${ports.core}`,
    // Registrations alone: Kamailio has nothing like Figure 4.
    SCSCF_PCSCF_SUBSCRIBE: "false",
    ...(governed ? {} : withoutGovernor("SCSCF")),
  });
  const pcscf = startNode(bench, "pcscf", profileFolder, {
    PCSCF_STORE: storeOf("pcscf"),
    PCSCF_ACCESS_HOST: HOST,
    PCSCF_ACCESS_PORT: String(ports.access),
    PCSCF_CORE_HOST: HOST,
    PCSCF_CORE_PORT: String(ports.core),
    PCSCF_SCSCF: `sip:${HOST}:${ports.serving}`,
    PCSCF_HTTP_PORT: String(ports.pcscfHttp),
    ...(governed ? {} : withoutGovernor("PCSCF")),
  });
  for (const port of [ports.serving, ports.core, ports.access])
    await whenBound(port, START_SECONDS, "ims-lab");
  return {
    name: store === "memory" ? "ims-lab" : `ims-lab, ${store}`,
    port: ports.access,
    processes: [pcscf, scscf],
    others,
    repeats: async () => (await repeatsOf(ports.pcscfHttp)) + (await repeatsOf(ports.scscfHttp)),
  };
}

function redisPort({ portBase }: Bench): number {
  return portBase + 8;
}

/** What it does is no work of the nodes, and not counted. */
async function startRedis(bench: Bench): Promise<Child> {
  const port = redisPort(bench);
  const durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
  const where = ["--port", String(port), "--bind", HOST, "--dir", bench.folder];
  const output = join(bench.folder, "redis.log");
  const child = startChild("redis-server", [...where, ...durable], { output });
  await whenListening(port, START_SECONDS);
  return child;
}

async function whenListening(port: number, seconds: number): Promise<void> {
  for (let tries = 0; tries < seconds * 20; tries++) {
    if (await answers(port)) return;
    await sleep(50);
  }
  throw new Error("redis-server does not answer: apt-get install redis-server");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** What a node sent again because no answer had come: `sip_events_total{event="retransmission-out"}`. */
async function repeatsOf(port: number): Promise<number> {
  const page = await (await fetch(`http://${HOST}:${port}/metrics`)).text();
  const counts = page.matchAll(
    /^sip_events_total\{[^}]*event="retransmission-out"[^}]*\} (\d+)$/gm,
  );
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Every registration is to be served, however busy the machine is: Kamailio has no such brake here. */
function withoutGovernor(node: string): Record<string, string> {
  return {
    [`${node}_LIMITS_MAX_WAIT_MS`]: "60000",
    [`${node}_LIMITS_MAX_TRANSACTIONS`]: "1000000",
    [`${node}_LIMITS_MAX_PENDING_TRANSACTIONS`]: "1000000",
  };
}

function startNode(
  { folder }: Bench,
  node: "pcscf" | "scscf",
  profileFolder: string | undefined,
  env: Readonly<Record<string, string>>,
): Child {
  const main = fileURLToPath(new URL(`../../packages/${node}/src/main.ts`, import.meta.url));
  const profiling =
    profileFolder === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${node}.cpuprofile`];
  const output = join(folder, `${node}.log`);
  return startChild(process.execPath, [...profiling, main], { output, env });
}
