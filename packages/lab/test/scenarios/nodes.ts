// The lab's nodes over memory transports: their settings, users and addresses.

import { ueFaults } from "@ims-lab/common/admin-api/faults";
import { beginWithFaults } from "@ims-lab/common/faults/fault-setting";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import { loadConfig, type Settings } from "@ims-lab/common/platform/config";
import type { Logger } from "@ims-lab/common/platform/logger";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import type { Interceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { type MemoryNetwork, memoryTransport } from "@ims-lab/common/sip/transport/memory";
import {
  formatHostPort,
  type HostPort,
  type Transport,
  type TransportName,
} from "@ims-lab/common/sip/transport/transport";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { settings as pcscfSettings } from "../../../pcscf/src/config.ts";
import { createPcscf, type Pcscf, type PcscfParts } from "../../../pcscf/src/node.ts";
import { settings as scscfSettings } from "../../../scscf/src/config.ts";
import { createScscf, type Scscf, type ScscfTools } from "../../../scscf/src/node.ts";
import { memoryStore } from "../../../scscf/src/store/memory-store.ts";
import { type LoadedSubscribers, parseSubscribers } from "../../../scscf/src/subscribers/load.ts";
import { packageOf, timersOf, type UeConfig, ueSettings } from "../../../ue/src/config.ts";
import { MovableTransport } from "../../../ue/src/faults/movable-transport.ts";
import { UeFaults } from "../../../ue/src/faults/ue-faults.ts";
import { UeNode } from "../../../ue/src/node.ts";
import { CoreStack } from "../../../ue/src/stack/core.ts";
import type { UeSettings } from "../../../ue/src/user-equipment.ts";
import { usersOf } from "../../../ue/src/users.ts";
import type { Addresses } from "./addresses.ts";

export const DOMAIN = "ims.example";

export const K = "465b5ce8b199b49faa5f0a2ee238a6bc";
export const OPC = "cd63cb71954a9f4e48a5994e37a02baf";
/** TS 35.208 test set 1: what OPC was made from. */
export const OP = "cdc202d5123e20f62b6d676ac72cb318";

/** Alice has an ISIM, the others a password; nobody expects `phone` to subscribe. */
const SUBSCRIBERS = `
subscribers:
  - impi: alice@${DOMAIN}
    impus: [sip:alice@${DOMAIN}, "tel:+15550001"]
    auth: { scheme: aka, k: ${K}, opc: ${OPC} }
  - impi: sim@${DOMAIN}
    impus: [sip:sim@${DOMAIN}]
    auth: { scheme: aka, k: ${K}, op: ${OP} }
  - impi: bob@${DOMAIN}
    impus: [sip:bob@${DOMAIN}, sip:robert@${DOMAIN}]
    auth: { scheme: digest, password: pw }
  - impi: carol@${DOMAIN}
    impus: [sip:carol@${DOMAIN}]
    auth: { scheme: digest, password: pw }
  - impi: phone@${DOMAIN}
    impus: [sip:phone@${DOMAIN}]
    auth: { scheme: digest, password: pw }
    subscription: optional
`;
const ISIM_USERS: ReadonlySet<string> = new Set(["alice"]);

export function impuOf(user: string): string {
  return `sip:${user}@${DOMAIN}`;
}

/** Settings by name, as on the command line: `{ "subscription.duty": "warn" }`. */
export type Overrides = Readonly<Record<string, string | number | boolean>>;

/** What every node needs of the world. */
export interface World {
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  readonly at: Addresses;
  /** For the endpoints of this node. */
  interceptorsOf(at: "UE" | "P-CSCF" | "S-CSCF"): readonly Interceptor[];
}

/** Read once for nodes that are started again and again. */
const CONFIGS = new Map<string, unknown>();
const MOST_CONFIGS = 16;

function configOf<C>(settings: Settings<C>, overrides: Overrides): C {
  const key = `${settings.node} ${JSON.stringify(overrides)}`;
  const known = CONFIGS.get(key) as C | undefined;
  if (known !== undefined) return known;
  if (CONFIGS.size >= MOST_CONFIGS) CONFIGS.clear();
  const config = readConfig(settings, overrides);
  CONFIGS.set(key, config);
  return config;
}

function readConfig<C>(settings: Settings<C>, overrides: Overrides): C {
  const argv = Object.entries(overrides).map(([key, value]) => `--${key}=${value}`);
  const loaded = loadConfig(settings, { argv, env: {}, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

function bothAt({ network }: World, at: HostPort): readonly Transport[] {
  return (["udp", "tcp"] as const).map((name) => memoryTransport(network, at, name));
}

/** @param other than a lab's usual parts */
export async function startScscf(
  world: World,
  log: Logger,
  overrides: Overrides,
  seed = 1,
  other: Partial<ScscfTools> = {},
): Promise<Scscf> {
  const config = configOf(scscfSettings, {
    "sip.host": world.at.scscf.host,
    domain: DOMAIN,
    trustedPeers: formatHostPort(world.at.core),
    "sip.udpMtuBytes": 0, // what is to be lost must not flee to TCP
    ...overrides,
  });
  const scscf = createScscf(config, {
    clock: world.clock,
    random: seededRandom(seed),
    log,
    transports: bothAt(world, world.at.scscf),
    subscribers: other.subscribers ?? subscribersOf(SUBSCRIBERS),
    store: memoryStore(),
    interceptors: world.interceptorsOf("S-CSCF"),
    ...other,
  });
  await scscf.listen();
  return scscf;
}

/** @param yaml as in a subscribers file */
export function subscribersOf(yaml: string): LoadedSubscribers {
  const subscribers = parseSubscribers(yaml);
  if (subscribers.kind !== "loaded") throw new Error(subscribers.problems.join("\n"));
  return subscribers;
}

/** @param other than a lab's usual parts */
export async function startPcscf(
  world: World,
  log: Logger,
  overrides: Overrides,
  seed = 2,
  other: Partial<PcscfParts> = {},
): Promise<Pcscf> {
  const { access, core, scscf } = world.at;
  const config = configOf(pcscfSettings, {
    "access.host": access.host,
    "core.host": core.host,
    scscf: `sip:${formatHostPort(scscf)}`,
    "core.udpMtuBytes": 0,
    ...overrides,
  });
  const pcscf = createPcscf({
    config,
    clock: world.clock,
    random: seededRandom(seed),
    log,
    metrics: createMetrics({ node: "pcscf", processFigures: false }),
    resolver: { resolve: () => Promise.resolve([]) },
    transports: { access: bothAt(world, access), core: bothAt(world, core) },
    interceptors: world.interceptorsOf("P-CSCF"),
    ...other,
  });
  await pcscf.start();
  return pcscf;
}

export interface UeOptions {
  readonly user: string;
  /** Draws its own chances. */
  readonly seed: number;
  /** Its address; the port is free to choose. */
  readonly host: string;
  readonly transport: TransportName;
  readonly overrides: Overrides;
  /** What is between it and the others. */
  readonly behind?: MemoryNetwork | undefined;
  /** Settings `user.…` of its card or password; absent: what the lab's subscribers have. */
  readonly credentials?: Overrides;
}

/** A node with one UE, which listens and does nothing yet. */
export async function startUe(
  world: World,
  log: Logger,
  { user, seed, host, transport, overrides, behind, ...options }: UeOptions,
): Promise<UeNode> {
  const usual: Overrides = ISIM_USERS.has(user)
    ? { "user.k": K, "user.opc": OPC }
    : { "user.password": "pw" };
  const credentials = options.credentials ?? usual;
  const config = configOf(ueSettings, {
    "user.impi": `${user}@${DOMAIN}`,
    "user.impu": impuOf(user),
    transport,
    "registration.checkSeconds": 0, // it would stand in every ladder
    ...credentials,
    ...overrides,
  });
  const { clock } = world;
  const network = behind ?? world.network;
  const random = seededRandom(seed);
  const timers = timersOf(config);
  const faults = new UeFaults({
    ...{ clock, log, t1: timers.t1 },
    networkRules: config.networkFaults,
  });
  const transportAt = (): Transport =>
    memoryTransport(network, { host, port: 0 }, config.transport);
  const node = new UeNode({
    clock,
    random,
    log,
    faults,
    perSecond: 50,
    users: usersOf(config, { random, faultsOf: (impi) => faults.isimFaults(impi) }),
    settings: { ...settingsOf(config, world.at), t1: timers.t1 },
    reginfo: new ReginfoReader({ log, limits: config.limits }),
    stackFor: () => {
      const transport = new MovableTransport(transportAt(), transportAt);
      return new CoreStack({
        name: "ue",
        clock,
        random,
        log,
        timers,
        transport,
        move: () => transport.move(),
        pongs: config.registration.pongs,
        interceptors: [faults.network.towards("P"), ...world.interceptorsOf("UE")],
      });
    },
  });
  await node.listen();
  beginWithFaults(faults.switches, ueFaults, config.faults);
  return node;
}

function settingsOf(config: UeConfig, { access }: Addresses): Omit<UeSettings, "t1"> {
  return {
    proxy: { ...access, transport: config.transport },
    expiresSeconds: config.registration.expiresSeconds,
    checkSeconds: config.registration.checkSeconds,
    subscription: {
      event: packageOf(config),
      expiresSeconds: config.subscription.expiresSeconds,
    },
    advertised: undefined,
    calls: config.calls,
  };
}
