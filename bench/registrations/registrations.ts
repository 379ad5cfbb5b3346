// CPU time per authenticated registration over two hops, this project's and Kamailio's in turn.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuNanoseconds } from "../machine/child.ts";
import { takenPorts } from "../machine/ports.ts";
import { say } from "../output.ts";
import { Refused } from "../refused.ts";
import { imsLabPorts, type StoreName, startImsLab } from "./ims-lab.ts";
import { isKamailioInstalled, kamailioPorts, startKamailio } from "./kamailio.ts";
import type { Bench, Server } from "./server.ts";
import { isSippInstalled, type LoadReport, runSipp, writeUsers } from "./sipp.ts";

export interface RegistrationOptions {
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  readonly portBase: number;
  readonly alone: boolean;
  /** Of the nodes; one pair of them for each, in turn. */
  readonly stores: readonly StoreName[];
  readonly profileFolder: string | undefined;
}

export interface RegistrationRow extends LoadReport {
  readonly server: string;
  readonly rate: number;
  readonly round: number;
  /** Microseconds per completed registration: all processes of the server, and each hop. */
  readonly cpu: number;
  readonly hops: readonly number[];
  /** Messages that the server's nodes repeated; undefined where nobody counts them. */
  readonly nodeRepeats: number | undefined;
}

export interface RegistrationResult {
  readonly stores: readonly StoreName[];
  readonly rows: readonly RegistrationRow[];
}

export async function measureRegistrations(
  options: RegistrationOptions,
): Promise<RegistrationResult> {
  const { portBase } = options;
  if (!isSippInstalled()) throw new Refused("SIPp is needed: apt-get install sip-tester");
  const withKamailio = isKamailioInstalled() && !options.alone;
  const bench = { folder: mkdtempSync(join(tmpdir(), "ims-lab-bench-")), portBase };
  const labs = options.stores.map((store, at) => {
    const place: Bench = { folder: join(bench.folder, store), portBase: portBase + at * PORTS };
    mkdirSync(place.folder);
    return { store, place };
  });
  const ports = [
    ...labs.flatMap(({ place }) => Object.values(imsLabPorts(place))),
    ...(withKamailio ? Object.values(kamailioPorts(bench)) : []),
    portBase + 7,
  ];
  const taken = await takenPorts(ports);
  if (taken.length > 0) {
    throw new Refused(`ports in use: ${taken.join(", ")}; --port-base N moves all of them`);
  }
  const servers: Server[] = [];
  try {
    const users = Math.max(...options.rates) * options.seconds;
    writeUsers(bench, users);
    if (withKamailio) servers.push(await startKamailio(bench));
    else say("Kamailio is not measured");
    const { profileFolder, stores } = options;
    for (const { store, place } of labs)
      servers.push(await startImsLab(place, users, { profileFolder, store }));
    const rows = await runs(bench, servers, options);
    return { stores, rows };
  } finally {
    for (const { processes, others = [] } of servers)
      for (const child of [...processes, ...others]) await child.stop();
    rmSync(bench.folder, { recursive: true });
  }
}

/** From one pair of nodes to the next. */
const PORTS = 10;
/** Compilers and caches of both sides get to know the load first. */
const WARM_UP = { rate: 2000, seconds: 3 };

async function runs(
  bench: Bench,
  servers: readonly Server[],
  { rates, seconds, rounds }: RegistrationOptions,
): Promise<RegistrationRow[]> {
  const rows: RegistrationRow[] = [];
  for (const server of servers) {
    say(`${server.name}: warming up, ${WARM_UP.seconds} s`);
    await runSipp(bench, server, WARM_UP);
  }
  for (const rate of rates) {
    for (let round = 1; round <= rounds; round++) {
      for (const server of servers) {
        say(`${server.name}: ${rate}/s for ${seconds} s, round ${round} of ${rounds}`);
        rows.push(await oneRun(bench, server, { rate, seconds, round }));
      }
    }
  }
  return rows;
}

async function oneRun(
  bench: Bench,
  server: Server,
  { rate, seconds, round }: { rate: number; seconds: number; round: number },
): Promise<RegistrationRow> {
  const spent = (): number[] => server.processes.map(({ pid }) => cpuNanoseconds(pid));
  const before = spent();
  const repeatsBefore = await server.repeats?.();
  const report = await runSipp(bench, server, { rate, seconds });
  const after = spent();
  const hops = after.map((value, at) => (value - (before[at] ?? 0)) / 1000 / report.completed);
  const cpu = hops.reduce((sum, hop) => sum + hop, 0);
  const repeats = await server.repeats?.();
  const nodeRepeats = repeats === undefined ? undefined : repeats - (repeatsBefore ?? 0);
  return { server: server.name, rate, round, ...report, cpu, hops, nodeRepeats };
}

/** Rows whose figures hold for nobody: somebody waited so long that messages were sent twice, or a registration failed. */
export function spoiltRows({ rows }: RegistrationResult): string[] {
  const spoilt = rows.filter(
    ({ failed, retransmissions, nodeRepeats }) =>
      failed > 0 || retransmissions > 0 || (nodeRepeats ?? 0) > 0,
  );
  return spoilt.map(
    ({ server, rate, round, failed, retransmissions, nodeRepeats }) =>
      `${server}, ${rate}/s, round ${round}: ${failed} failed, ${retransmissions} repeated by the devices, ${nodeRepeats ?? "?"} by the nodes`,
  );
}
