// `npm run fuzz`: throws damaged messages at running nodes and sees whether they stay well.
import { parseArgs } from "node:util";
import { systemClock } from "@ims-lab/common/platform/clock";
import { tcpTransport } from "@ims-lab/common/sip/transport/tcp";
import type { Transport } from "@ims-lab/common/sip/transport/transport";
import { udpTransport } from "@ims-lab/common/sip/transport/udp";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { HTTP_CORPUS, SIP_CORPUS } from "./corpus.ts";
import { mutate, pick } from "./mutate.ts";
import { type FuzzedNodes, HOST, startNodes } from "./processes.ts";

const HELP = `Usage: npm run fuzz -- [--seconds N] [--seed S]

Throws damaged SIP (UDP, TCP) and HTTP at a P-CSCF and an S-CSCF of its own for N seconds (default 60)
and ends with 0 if both stayed up and healthy and let a known user register, and, in runs of more than
36 seconds, did not go on growing.
The same seed (default 1) throws the same.
`;

/** So many SIP messages between two HTTP requests. */
const BURST = 40;
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
    const memory = grown === undefined ? "" : `, memory ${mebibytes(grown)} MiB`;
    process.stdout.write(`seed ${seed}: ${thrown} messages in ${seconds} s${memory}, all well\n`);
    return 0;
  } catch (problem) {
    process.stderr.write(`seed ${seed}: ${problem instanceof Error ? problem.message : problem}\n`);
    return 1;
  } finally {
    await nodes.stop();
    await Promise.all(transports.map((transport) => transport.close()));
  }
}

function mebibytes(octets: number): string {
  return `${octets >= 0 ? "+" : ""}${Math.round(octets / 2 ** 20)}`;
}

/** `grown`: octets since memory had settled; undefined when the run was too short for that. */
async function throwAll(
  nodes: FuzzedNodes,
  transports: readonly Transport[],
  { seconds, seed }: { seconds: number; seed: number },
): Promise<{ thrown: number; grown: number | undefined }> {
  const clock = systemClock();
  const random = seededRandom(seed);
  const start = clock.now();
  let thrown = 0;
  let baseline: number | undefined;
  let checkAt = start;
  while (clock.now() < start + seconds * 1000) {
    for (let count = 0; count < BURST; count++) {
      const message = mutate(pick(SIP_CORPUS, random), random);
      const { port } = pick(nodes.sip, random);
      const transport = pick(transports, random);
      transport.send(message, transport.flowTo({ host: HOST, port }));
      thrown += 1;
    }
    await throwHttp(nodes, random);
    thrown += 1;
    const due = start + (thrown * 1000) / MESSAGES_PER_SECOND;
    await new Promise<void>((resolve) => clock.at(due, resolve));
    if (clock.now() < checkAt) continue;
    await nodes.check();
    checkAt = clock.now() + CHECK_EVERY_MS;
    if (clock.now() > start + SETTLED_MS) baseline ??= nodes.memory();
    process.stderr.write(`${Math.round((clock.now() - start) / 1000)} s, ${thrown} messages\n`);
  }
  await nodes.check();
  const grown = baseline === undefined ? undefined : nodes.memory() - baseline;
  if (grown !== undefined && grown > MEMORY_GROWTH_OCTETS)
    throw new Error(`memory grew by ${mebibytes(grown)} MiB`);
  return { thrown, grown };
}

async function openTransports(): Promise<Transport[]> {
  const clock = systemClock();
  const transports = [
    udpTransport({ host: HOST, port: 0 }),
    tcpTransport({ host: HOST, port: 0, clock }),
  ];
  const ignore = (): void => undefined;
  for (const transport of transports)
    await transport.listen({ onMessage: ignore, onClosed: ignore, onRejected: ignore });
  return transports;
}

async function throwHttp(
  nodes: FuzzedNodes,
  random: ReturnType<typeof seededRandom>,
): Promise<void> {
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
