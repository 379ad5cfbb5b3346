// npm run bench: what the codec, a registration and a user cost. docs/performance.md says how to read it.
import { measureCampaign, spoiltCampaign } from "./campaign/campaign.ts";
import { measureCodec } from "./codec/codec.ts";
import { measureDeadlines } from "./deadlines/deadlines.ts";
import { measureMemory } from "./memory/memory.ts";
import { measureCycle } from "./nodes/cycle.ts";
import { measureWay } from "./nodes/way.ts";
import { measureWork } from "./nodes/work.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { measureOverload } from "./overload/overload.ts";
import { Refused } from "./refused.ts";
import { measureRegistrations, spoiltRows } from "./registrations/registrations.ts";
import { type Results, report } from "./report.ts";
import { measureRestart } from "./restart/restart.ts";
import { measureSubscribers } from "./subscribers/subscribers.ts";

async function run(options: BenchOptions): Promise<Results> {
  const { parts } = options;
  return {
    ...(parts.includes("codec") && { codec: measureCodec() }),
    ...(parts.includes("work") && { work: await measureWork() }),
    ...(parts.includes("way") && { way: await measureWay() }),
    ...(parts.includes("cycle") && { cycle: await measureCycle() }),
    ...(parts.includes("deadlines") && { deadlines: await measureDeadlines() }),
    ...(parts.includes("memory") && { memory: await measureMemory(options.users) }),
    ...(parts.includes("subscribers") && { subscribers: await measureSubscribers() }),
    ...(parts.includes("campaign") && { campaign: await measureCampaign(options) }),
    ...(parts.includes("registrations") && { registrations: await measureRegistrations(options) }),
    ...(parts.includes("restart") && {
      restart: await measureRestart(options.users, options.portBase),
    }),
    ...(parts.includes("overload") && { overload: await measureOverload(options.portBase) }),
  };
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else {
    const results = await run(options);
    process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : report(results));
    const spoilt = [
      ...(results.registrations === undefined ? [] : spoiltRows(results.registrations)),
      ...(results.campaign === undefined ? [] : spoiltCampaign(results.campaign)),
    ];
    for (const row of spoilt) process.stderr.write(`not a measurement: ${row}\n`);
    if (spoilt.length > 0) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
