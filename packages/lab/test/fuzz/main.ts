// `npm run fuzz`: throws damaged messages at running nodes, damages what they say to each other, and sees whether they stay well.

import { parseArgs } from "node:util";
import { systemClock } from "@ims-lab/common/platform/clock";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { Faults } from "./faults.ts";
import { HolderWatch } from "./holders.ts";
import { Insider } from "./insider.ts";
import { type LiveResult, runLive } from "./live.ts";
import { startLiveNodes } from "./live-nodes.ts";
import { mebibytes } from "./memory.ts";
import { openTransports, sum, type Thrown, throwAll } from "./stranger.ts";
import { startStrangerNodes } from "./stranger-nodes.ts";

const HELP = `Usage: npm run fuzz -- [--seconds N] [--seed S] [--only stranger|live]

For N seconds (default 60), side by side, on loopback addresses and ports of its own:

stranger  throws damaged SIP (UDP, TCP, TLS, WebSocket), damaged TLS records and WebSocket frames, and damaged
          HTTP at a P-CSCF and an S-CSCF; known users register over each transport all the while.
live      UEs, a P-CSCF and an S-CSCF register, re-authenticate, call and send messages over wires that damage,
          lose, double, delay and mix up what passes, both ways; a peer that both CSCFs trust says damaged things,
          and so does HTTP at the admin interfaces, the UEs' too. Every 14 seconds the wires are honest, and within
          seconds every user must register again, be re-authenticated and be called. No binding may change its
          private identity or its flow without authentication.

Ends with 0 if every node stayed up, logged no error and did not go on growing (judged in runs of more than
36 seconds), and everybody was well; else with 1: what a node logged is printed with the messages that had
reached it before. The same seed (default 1) draws the same damage, as far as the nodes' timing is the same.
An even seed runs the live nodes in the profile ts24229.
`;

type Part = "stranger" | "live";

interface Run {
  readonly seconds: number;
  readonly seed: number;
}

async function fuzz(run: Run, parts: readonly Part[]): Promise<number> {
  const faults = new Faults();
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const work = parts.map((part) =>
      part === "live" ? live(run, faults, closing) : stranger(run, faults, closing),
    );
    for (const line of await Promise.race([Promise.all(work), faults.first]))
      process.stdout.write(`seed ${run.seed}: ${line}, all well\n`);
    return 0;
  } catch (problem) {
    const why = reasonOf(problem);
    process.stderr.write(`seed ${run.seed}: ${why}\n`);
    return 1;
  } finally {
    for (const close of closing) await close();
  }
}

type Closing = (() => Promise<unknown>)[];

async function stranger(run: Run, faults: Faults, closing: Closing): Promise<string> {
  const nodes = await startStrangerNodes(faults);
  closing.push(() => nodes.stop());
  const transports = await openTransports();
  closing.push(() => Promise.all(transports.map((transport) => transport.close())));
  const work = throwAll({ ...run, clock: systemClock(), faults, nodes, transports });
  return thrownLine(run, await Promise.race([work, nodes.died]));
}

async function live(run: Run, faults: Faults, closing: Closing): Promise<string> {
  const clock = systemClock();
  const nodes = await startLiveNodes({ clock, seed: run.seed, faults });
  closing.push(() => nodes.stop());
  const insider = await Insider.open(faults);
  closing.push(() => insider.close());
  const holders = new HolderWatch(clock, faults);
  closing.push(() => holders.stop());
  return liveLine(
    await Promise.race([runLive({ ...run, clock, faults, nodes, insider }), nodes.died]),
  );
}

function thrownLine({ seconds }: Run, { thrown, grown }: Thrown): string {
  const all = sum(thrown);
  const shares = [...thrown].map(([over, count]) => `${over} ${Math.round((100 * count) / all)} %`);
  return `${all} messages in ${seconds} s (${shares.join(", ")})${memoryOf(grown)}`;
}

function liveLine({ rounds, harmed, grown }: LiveResult): string {
  return `${harmed} live messages harmed in ${rounds} rounds${memoryOf(grown)}`;
}

function memoryOf(grown: number | undefined): string {
  return grown === undefined ? "" : `, memory ${mebibytes(grown)} MiB`;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const parts = (["stranger", "live"] as const).filter((part) => part === (values.only ?? part));
if (values.help) process.stdout.write(HELP);
else if (!(seconds > 0) || !Number.isInteger(seed) || parts.length === 0) {
  process.stderr.write(`--seconds and --seed are numbers, --only names a part\n${HELP}`);
  process.exitCode = 2;
} else process.exit(await fuzz({ seconds, seed }, parts)); // cancelled deadlines would hold us up
