// CPU and allocations of the nodes' own code per registration: no sockets, no kernel, one process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { say } from "../output.ts";
import { Devices } from "./devices.ts";
import { startNodes } from "./lab.ts";

export interface WorkResult {
  readonly registrations: number;
  /** Microseconds on a CPU per registration, the least of several batches; the devices' own share included. */
  readonly oneHop: number;
  readonly twoHops: number;
  /** Octets allocated per registration over two hops, the devices' share included. */
  readonly allocated: number;
}

const BATCH = 2000;
const BATCHES = 12;

export async function measureWork(): Promise<WorkResult> {
  say(`work: ${BATCH * BATCHES} registrations over one hop, then over two`);
  const oneHop = await least(1);
  const twoHops = await least(2);
  return { registrations: BATCH * BATCHES, oneHop, twoHops, allocated: await allocated() };
}

async function allocated(): Promise<number> {
  const child = fileURLToPath(new URL("./allocated.ts", import.meta.url));
  const young = ["--min-semi-space-size=1024", "--max-semi-space-size=1024"];
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", ...young, child]);
  return (JSON.parse(stdout) as { octets: number }).octets;
}

async function least(hops: 1 | 2): Promise<number> {
  const users = BATCH * BATCHES;
  const nodes = await startNodes(users, hops);
  const devices = new Devices(nodes, { behindPcscf: hops === 2, subscribe: false });
  await nodes.devices.listen(devices);
  let found = Number.POSITIVE_INFINITY;
  for (let first = 1; first <= users; first += BATCH) {
    const start = process.threadCpuUsage();
    for (let user = first; user < first + BATCH; user++) {
      devices.register(user);
      nodes.wire.carry();
      nodes.clock.advance(0.5);
    }
    const { user, system } = process.threadCpuUsage(start);
    found = Math.min(found, (user + system) / BATCH);
  }
  if (devices.done !== users) throw new Error(`${devices.done} of ${users} registered`);
  return found;
}
