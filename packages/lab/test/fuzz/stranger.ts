// A stranger's part: damaged SIP over every transport, damage below it, and damaged HTTP, at nodes that owe him nothing.
import type { Clock } from "@ims-lab/common/platform/clock";
import { systemClock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import { transportOf } from "@ims-lab/common/sip/transport/listeners";
import type { Transport, TransportName } from "@ims-lab/common/sip/transport/transport";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SIP_CORPUS } from "./corpus.ts";
import type { Faults } from "./faults.ts";
import { PCSCF_REQUESTS, SCSCF_REQUESTS } from "./http-requests.ts";
import { HttpThrower } from "./http-thrower.ts";
import { judgeMemory, SETTLED_MS } from "./memory.ts";
import { mutate, pick } from "./mutate.ts";
import { HOST } from "./processes.ts";
import { AUTHORITY, NODE_AT, SIP_PORTS, type StrangerNodes, WIRE_PORTS } from "./stranger-nodes.ts";
import { WireThrower } from "./wire.ts";

/** So many SIP messages between two HTTP requests, and so many connections that are damaged below SIP. */
const BURST = 40;
const WIRE_BURST = 2;
/** Damaged SIP ends a connection, and a handshake costs more than a message: those of TLS are fewer. */
const MIX: readonly TransportName[] = [
  ...Array<TransportName>(7).fill("udp"),
  ...Array<TransportName>(7).fill("tcp"),
  ...Array<TransportName>(3).fill("ws"),
  ...Array<TransportName>(2).fill("tls"),
  "wss",
];
/** Limits are by source: what is thrown comes from another one than the users' messages. */
const SOURCE = "127.0.0.2";
const CHECK_EVERY_MS = 5_000;
/** The same load on every machine, so that what the nodes must remember of it is the same too. */
const MESSAGES_PER_SECOND = 2_000;

export interface StrangerOptions {
  readonly clock: Clock;
  readonly seconds: number;
  readonly seed: number;
  readonly faults: Faults;
  readonly nodes: StrangerNodes;
  readonly transports: readonly Transport[];
}

export interface Thrown {
  /** How often, by what it went over. */
  readonly thrown: ReadonlyMap<string, number>;
  /** Octets since memory had settled; undefined when the run was too short for that. */
  readonly grown: number | undefined;
}

export async function throwAll(options: StrangerOptions): Promise<Thrown> {
  const { clock, seconds, seed, nodes } = options;
  const random = seededRandom(seed);
  const wire = new WireThrower(HOST, SOURCE, WIRE_PORTS);
  const http = new HttpThrower(httpTargets(nodes), SOURCE, options.faults);
  const thrown = new Map<string, number>();
  const start = clock.now();
  let baseline: number | undefined;
  let checkAt = start;
  while (clock.now() < start + seconds * 1000) {
    throwSip(options, random, thrown);
    for (let count = 0; count < WIRE_BURST; count++) wire.throwOne(random);
    countUp(thrown, "wire", WIRE_BURST);
    http.throwOne(random);
    countUp(thrown, "http");
    const due = start + (sum(thrown) * 1000) / MESSAGES_PER_SECOND;
    await new Promise<void>((resolve) => clock.at(due, resolve));
    if (clock.now() < checkAt) continue;
    await nodes.check();
    checkAt = clock.now() + CHECK_EVERY_MS;
    if (clock.now() > start + SETTLED_MS) baseline ??= nodes.memory();
    process.stderr.write(
      `${Math.round((clock.now() - start) / 1000)} s, ${sum(thrown)} messages\n`,
    );
  }
  await nodes.check();
  wire.close();
  http.close();
  return { thrown, grown: judgeMemory("the stranger's nodes", baseline, nodes.memory()) };
}

export function sum(thrown: ReadonlyMap<string, number>): number {
  return [...thrown.values()].reduce((all, count) => all + count, 0);
}

function httpTargets({ http }: StrangerNodes): ConstructorParameters<typeof HttpThrower>[0] {
  return http.map(({ name, port }) => ({
    name,
    host: HOST,
    port,
    requests: name === "scscf" ? SCSCF_REQUESTS : PCSCF_REQUESTS,
  }));
}

function throwSip(
  { transports, faults }: StrangerOptions,
  random: Random,
  thrown: Map<string, number>,
): void {
  for (let count = 0; count < BURST; count++) {
    const message = mutate(pick(SIP_CORPUS, random), random);
    const over = pick(MIX, random);
    const transport = transports.find(({ name }) => name === over);
    const port = pick(SIP_PORTS[over], random);
    faults.reached(NODE_AT[port] ?? "", message);
    transport?.send(message, transport.flowTo({ host: HOST, port }));
    countUp(thrown, over);
  }
}

function countUp(thrown: Map<string, number>, over: string, by = 1): void {
  thrown.set(over, (thrown.get(over) ?? 0) + by);
}

export async function openTransports(): Promise<Transport[]> {
  const tls = { key: undefined, cert: undefined, ca: AUTHORITY };
  const tools = { clock: systemClock(), log: memoryLogger(), tls };
  const transports = Object.keys(SIP_PORTS).map((name) =>
    transportOf(name as TransportName, { host: SOURCE, port: 0 }, tools),
  );
  const ignore = (): void => undefined;
  for (const transport of transports)
    await transport.listen({ onMessage: ignore, onClosed: ignore, onRejected: ignore });
  return transports;
}
