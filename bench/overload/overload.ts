// Three times what the nodes can do: how much of it still gets through, and what memory it takes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { takenPorts } from "../machine/ports.ts";
import { say } from "../output.ts";
import { Refused } from "../refused.ts";
import { imsLabPorts, startImsLab } from "../registrations/ims-lab.ts";
import type { Server } from "../registrations/server.ts";
import { Crowd, type Wave } from "./crowd.ts";

export interface OverloadRow extends Wave {
  readonly rate: number;
  /** Largest resident set of both nodes together during the wave, MB. */
  readonly megabytes: number;
}

export interface OverloadResult {
  /** Nodes and devices each on CPUs of their own. */
  readonly pinned: boolean;
  readonly rows: readonly OverloadRow[];
  readonly peak: number;
  /** Goodput at three times the peak as a share of the peak. */
  readonly share: number;
}

const USERS = 500_000;
const FIRST_RATE = 1000;
const STEP = 1.5;
const WARM_UP_SECONDS = 5;
const RAMP_SECONDS = 4;
const OVERLOAD_SECONDS = 10;
/** Below this share of what is offered, the peak is behind. */
const SERVED = 0.9;

export async function measureOverload(portBase: number): Promise<OverloadResult> {
  const bench = { folder: mkdtempSync(join(tmpdir(), "ims-lab-overload-")), portBase };
  const taken = await takenPorts(Object.values(imsLabPorts(bench)));
  if (taken.length > 0) throw new Refused(`ports in use: ${taken.join(", ")}; see --port-base`);
  let server: Server | undefined;
  const crowd = new Crowd(portBase);
  try {
    server = await startImsLab(bench, USERS, { governed: true });
    const pinned = pin(server);
    await crowd.open();
    const rows = await ramp(crowd, server);
    const peak = Math.max(...rows.map(({ goodput }) => goodput));
    const last = await wave(crowd, server, Math.round(3 * peak), OVERLOAD_SECONDS);
    return { pinned, rows: [...rows, last], peak, share: last.goodput / peak };
  } finally {
    crowd.close();
    for (const child of server?.processes ?? []) await child.stop();
    rmSync(bench.folder, { recursive: true });
  }
}

/** Upwards until much of what is offered is not served, twice in a row. */
async function ramp(crowd: Crowd, server: Server): Promise<OverloadRow[]> {
  await wave(crowd, server, FIRST_RATE, WARM_UP_SECONDS); // compilers get to know the load
  const rows: OverloadRow[] = [];
  let behind = 0;
  for (let rate = FIRST_RATE; ; rate = Math.round(rate * STEP)) {
    const row = await wave(crowd, server, rate, RAMP_SECONDS);
    rows.push(row);
    behind = row.goodput < SERVED * rate ? behind + 1 : 0;
    if (behind === 2 || rows.length === 6) return rows;
  }
}

async function wave(
  crowd: Crowd,
  { processes }: Server,
  rate: number,
  seconds: number,
): Promise<OverloadRow> {
  say(`overload: ${rate}/s for ${seconds} s`);
  let megabytes = 0;
  const watch = (): void => {
    const now = processes.reduce((sum, { pid }) => sum + residentMegabytes(pid), 0);
    megabytes = Math.max(megabytes, now);
  };
  return { rate, ...(await crowd.wave(rate, seconds, watch)), megabytes };
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = "0"] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

/** The devices must not take away from the nodes what they measure. */
function pin({ processes }: Server): boolean {
  const cpus = availableParallelism();
  if (cpus < 2) return false;
  const place = (pid: number, where: string): void => {
    execFileSync("taskset", ["-a", "-c", "-p", where, String(pid)], { stdio: "ignore" });
  };
  try {
    for (const { pid } of processes) place(pid, `0-${cpus - 2}`);
    place(process.pid, String(cpus - 1));
    return true;
  } catch {
    return false;
  }
}
