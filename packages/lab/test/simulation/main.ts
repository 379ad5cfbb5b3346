// `npm run simulate`: the whole lab in one process on a simulated network under a virtual clock, run after run.

import { parseArgs } from "node:util";
import { systemClock } from "@ims-lab/common/platform/clock";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { drawPlan, type Plan } from "./plan.ts";
import { PLANTS, type Plant } from "./plants.ts";
import { type RunOptions, run } from "./run.ts";
import { shrink } from "./shrink.ts";
import type { Violation } from "./surroundings.ts";
import { Tally } from "./tally.ts";

const HELP = `Usage: npm run simulate -- [--runs N] [--seed S] [--plant NAME]

Runs the whole lab N times (default 20) in this process, on a simulated network under a virtual clock: users, devices
of all kinds, operators, losses, partitions, full disks, and both CSCFs killed and started again at exact instants.
The first run draws all of it from seed S (default 1), the next from S + 1. Every invariant of docs/simulation.md is
judged all the while. Ends with 0 if they all held; else with 1 after the first run in which one did not: it is made
smaller, and told as a ladder of messages and acts. The same seed plays the same run.

--plant NAME   puts a bug into the S-CSCF's store, to see it found:
${Object.entries(PLANTS)
  .map(([name, { says }]) => `               ${name}: ${says}`)
  .join("\n")}
`;

const PROGRESS_MS = 2_000;
const SHRINKING_MS = 60_000;
const LADDER_LINES = 60;

interface Arguments {
  readonly runs: number;
  readonly seed: number;
  readonly plant: Plant | undefined;
}

async function simulate({ runs, seed, plant }: Arguments): Promise<number> {
  const clock = systemClock();
  const tally = new Tally();
  let told = clock.now();
  for (let index = 0; index < runs; index++) {
    const plan = drawPlan(seed + index);
    const result = await run(plan, { plant });
    tally.add(result);
    if (result.violation !== undefined) {
      process.stdout.write(`${tally.summary}\n\n`);
      await tellFailure(plan, result.violation, { plant });
      return 1;
    }
    if (clock.now() - told < PROGRESS_MS) continue;
    told = clock.now();
    process.stdout.write(`${tally.progress(runs)}\n`);
  }
  process.stdout.write(`${tally.summary}\n`);
  return 0;
}

async function tellFailure(plan: Plan, violation: Violation, options: RunOptions): Promise<void> {
  const clock = systemClock();
  const until = clock.now() + SHRINKING_MS;
  const small = await shrink(plan, violation.invariant, options, () => clock.now() < until);
  const again = await run(small, { ...options, isTold: true });
  const { invariant, clause, holds, what } = again.violation ?? violation;
  const { acts, devices, users, ...drawn } = small;
  const name = Object.entries(PLANTS).find(([, one]) => one === options.plant)?.[0];
  const planted = name === undefined ? "" : ` --plant ${name}`;
  process.stderr.write(
    [
      again.ladder(LADDER_LINES),
      "",
      `users    ${JSON.stringify(users)}`,
      `devices  ${JSON.stringify(devices)}`,
      `drawn    ${JSON.stringify(drawn)}`,
      `acts     ${acts.map(({ at, kind, device }) => `${at} ms ${kind} (device ${device + 1})`).join(", ")}`,
      "",
      `seed ${plan.seed}: "${invariant}" does not hold (${clause}): ${holds}`,
      ...what.map((one) => `  ${one}`),
      `${acts.length} of ${plan.acts.length} acts are needed. Again: npm run simulate -- --runs 1 --seed ${plan.seed}${planted}`,
      "",
    ].join("\n"),
  );
}

function argumentsOf(argv: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        runs: { type: "string", default: "20" },
        seed: { type: "string", default: "1" },
        plant: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return HELP;
    const { plant } = values;
    const runs = Number(values.runs);
    const seed = Number(values.seed);
    if (!Number.isSafeInteger(runs) || runs < 1)
      return `--runs: a number from 1, not ${values.runs}\n`;
    if (!Number.isSafeInteger(seed) || seed < 0)
      return `--seed: a number from 0, not ${values.seed}\n`;
    const planted = plant === undefined ? undefined : PLANTS[plant];
    if (plant !== undefined && planted === undefined)
      return `--plant: ${Object.keys(PLANTS).join(", ")}, not ${plant}\n`;
    return { runs, seed, plant: planted };
  } catch (error) {
    return `${reasonOf(error)}\n`;
  }
}

const given = argumentsOf(process.argv.slice(2));
if (typeof given !== "string") process.exitCode = await simulate(given);
else if (given === HELP) process.stdout.write(given);
else {
  process.stderr.write(given);
  process.exitCode = 2;
}
