// `npm run fuzz`: throws damaged messages at running nodes and sees whether they stay well.
import { parseArgs } from "node:util";
import { systemClock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import { transportOf } from "@ims-lab/common/sip/listeners";
import type { Transport, TransportName } from "@ims-lab/common/sip/transport/transport";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { HTTP_CORPUS, SIP_CORPUS } from "./corpus.ts";
import { mutate, pick } from "./mutate.ts";
import {
  AUTHORITY,
  type FuzzedNodes,
  HOST,
  SIP_PORTS,
  startNodes,
  WIRE_PORTS,
} from "./processes.ts";
import { WireThrower } from "./wire.ts";

const HELP = `Usage: npm run fuzz -- [--seconds N] [--seed S]

Throws damaged SIP (UDP, TCP, TLS, WebSocket), damaged TLS records and WebSocket frames, and HTTP at a P-CSCF
and an S-CSCF of its own for N seconds (default 60) and ends with 0 if both stayed up and healthy and let
a known user register over each transport, and, in runs of more than 36 seconds, did not go on growing.
The same seed (default 1) throws the same.
`;

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
/** 64*T1 and a little: from here on as much is forgotten as is new, and memory must not grow. */
const SETTLED_MS = 36_000;
const MEMORY_GROWTH_OCTETS = 100 * 2 ** 20;

async function fuzz(seconds: number, seed: number): Promise<number> {
  if (!(seconds > 0) || !Number.isInteger(seed)) {
    process.stderr.write(`--seconds and --seed are numbers\n${HELP}`);
    return 2;
  }
  const nodes = await startNodes();
  const transports = await openTransports();
  try {
    const work = throwAll(nodes, transports, { seconds, seed });
    const { thrown, grown } = await Promise.race([work, nodes.died]);
    const all = sum(thrown);
    const shares = [...thrown].map(
      ([over, count]) => `${over} ${Math.round((100 * count) / all)} %`,
    );
    const memory = grown === undefined ? "" : `, memory ${mebibytes(grown)} MiB`;
    process.stdout.write(
      `seed ${seed}: ${all} messages in ${seconds} s (${shares.join(", ")})${memory}, all well\n`,
    );
    return 0;
  } catch (problem) {
    process.stderr.write(`seed ${seed}: ${problem instanceof Error ? problem.message : problem}\n`);
    return 1;
  } finally {
    await nodes.stop();
    await Promise.all(transports.map((transport) => transport.close()));
  }
}

function sum(thrown: ReadonlyMap<string, number>): number {
  return [...thrown.values()].reduce((all, count) => all + count, 0);
}

function mebibytes(octets: number): string {
  return `${octets >= 0 ? "+" : ""}${Math.round(octets / 2 ** 20)}`;
}

interface Thrown {
  /** How often, by what it went over. */
  readonly thrown: ReadonlyMap<string, number>;
  /** Octets since memory had settled; undefined when the run was too short for that. */
  readonly grown: number | undefined;
}

async function throwAll(
  nodes: FuzzedNodes,
  transports: readonly Transport[],
  { seconds, seed }: { seconds: number; seed: number },
): Promise<Thrown> {
  const clock = systemClock();
  const random = seededRandom(seed);
  const wire = new WireThrower(HOST, SOURCE, WIRE_PORTS);
  const thrown = new Map<string, number>();
  const start = clock.now();
  let baseline: number | undefined;
  let checkAt = start;
  while (clock.now() < start + seconds * 1000) {
    throwSip(transports, random, thrown);
    for (let count = 0; count < WIRE_BURST; count++) wire.throwOne(random);
    countUp(thrown, "wire", WIRE_BURST);
    await throwHttp(nodes, random);
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
  const grown = baseline === undefined ? undefined : nodes.memory() - baseline;
  if (grown !== undefined && grown > MEMORY_GROWTH_OCTETS)
    throw new Error(`memory grew by ${mebibytes(grown)} MiB`);
  return { thrown, grown };
}

function throwSip(
  transports: readonly Transport[],
  random: Random,
  thrown: Map<string, number>,
): void {
  for (let count = 0; count < BURST; count++) {
    const message = mutate(pick(SIP_CORPUS, random), random);
    const over = pick(MIX, random);
    const transport = transports.find(({ name }) => name === over);
    transport?.send(message, transport.flowTo({ host: HOST, port: pick(SIP_PORTS[over], random) }));
    countUp(thrown, over);
  }
}

function countUp(thrown: Map<string, number>, over: string, by = 1): void {
  thrown.set(over, (thrown.get(over) ?? 0) + by);
}

async function openTransports(): Promise<Transport[]> {
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

async function throwHttp(nodes: FuzzedNodes, random: Random): Promise<void> {
  const [method, path] = pick(HTTP_CORPUS, random);
  const { port } = pick(nodes.http, random);
  const bent = mutate(Buffer.from(path), random).toString("latin1").slice(0, 4_000);
  try {
    const url = new URL(`http://${HOST}:${port}`);
    url.pathname = bent.split("?")[0] ?? "";
    url.search = bent.split("?")[1] ?? "";
    const answer = await fetch(url, { method });
    await answer.text();
    if (answer.status >= 500 && answer.status !== 501)
      throw new Error(`${method} ${url} answered ${answer.status}`);
  } catch (problem) {
    if (problem instanceof Error && problem.message.includes("answered")) throw problem;
    // refused by the client library, or the connection was closed on us: as good as an answer
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else process.exitCode = await fuzz(Number(values.seconds), Number(values.seed));
