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
and ends with 0 if both stayed up and healthy, kept their memory, and let a known user register.
The same seed (default 1) throws the same.
`;

/** So many SIP messages between two HTTP requests. */
const BURST = 40;
const CHECK_EVERY_MS = 5_000;
/** What both nodes together may grow by after the first tenth of the run. */
const MEMORY_GROWTH_OCTETS = 120 * 2 ** 20;

async function fuzz(seconds: number, seed: number): Promise<number> {
  if (!(seconds > 0) || !Number.isInteger(seed)) {
    process.stderr.write(`--seconds and --seed are numbers\n${HELP}`);
    return 2;
  }
  const nodes = await startNodes();
  try {
    const { thrown, grown } = await Promise.race([throwAll(nodes, seconds, seed), nodes.died]);
    process.stdout.write(
      `seed ${seed}: ${thrown} messages in ${seconds} s, memory ${grown >= 0 ? "+" : ""}${Math.round(grown / 2 ** 20)} MiB, all well\n`,
    );
    return 0;
  } catch (problem) {
    process.stderr.write(`seed ${seed}: ${problem instanceof Error ? problem.message : problem}\n`);
    return 1;
  } finally {
    await nodes.stop();
  }
}

async function throwAll(
  nodes: FuzzedNodes,
  seconds: number,
  seed: number,
): Promise<{ thrown: number; grown: number }> {
  const clock = systemClock();
  const random = seededRandom(seed);
  const transports = await openTransports();
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
    if (clock.now() < checkAt) continue;
    await nodes.check();
    checkAt = clock.now() + CHECK_EVERY_MS;
    if (clock.now() > start + seconds * 100) baseline ??= nodes.memory();
    process.stderr.write(`${Math.round((clock.now() - start) / 1000)} s, ${thrown} messages\n`);
  }
  await nodes.check();
  const grown = nodes.memory() - (baseline ?? nodes.memory());
  if (grown > MEMORY_GROWTH_OCTETS)
    throw new Error(`memory grew by ${Math.round(grown / 2 ** 20)} MiB`);
  await Promise.all(transports.map((transport) => transport.close()));
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
