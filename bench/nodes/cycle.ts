// CPU of a re-authentication, from the operator's asking to the 200, beside that of a registration. No sockets.
import { say } from "../output.ts";
import { Devices } from "./devices.ts";
import { type NodesInProcess, startNodes } from "./lab.ts";
import { DOMAIN } from "./users.ts";

export interface CycleResult {
  readonly cycles: number;
  /** Microseconds on a CPU, the least of several batches; the devices' own share included. */
  readonly registration: number;
  /** NOTIFY, 200, REGISTER, 401, REGISTER, 200, and the NOTIFY that says so. */
  readonly reauthentication: number;
}

const BATCH = 1000;
const BATCHES = 8;

export async function measureCycle(): Promise<CycleResult> {
  const users = BATCH * BATCHES;
  say(`cycle: ${users} re-authentications of subscribed users over two hops`);
  const nodes = await startNodes(users, 2);
  const devices = new Devices(nodes, { behindPcscf: true, subscribe: true });
  await nodes.devices.listen(devices);
  for (let user = 1; user <= users; user++) registerOne(nodes, devices, user);
  nodes.clock.advance(60_000); // no transaction is left
  devices.subscribing = false;
  devices.done = 0;
  const reauthentication = least((user) => askOne(nodes, user));
  const ended = nodes.scscf.reauthentications.runningCount;
  if (devices.done !== users || ended !== 0)
    throw new Error(`${devices.done} of ${users} authenticated again, ${ended} still run`);
  nodes.clock.advance(60_000);
  const registration = least((user) => registerOne(nodes, devices, user));
  return { cycles: users, registration, reauthentication };
}

function least(each: (user: number) => void): number {
  let found = Number.POSITIVE_INFINITY;
  for (let first = 1; first <= BATCH * BATCHES; first += BATCH) {
    const start = process.threadCpuUsage();
    for (let user = first; user < first + BATCH; user++) each(user);
    const { user, system } = process.threadCpuUsage(start);
    found = Math.min(found, (user + system) / BATCH);
  }
  return found;
}

function registerOne({ wire, clock }: NodesInProcess, devices: Devices, user: number): void {
  devices.register(user);
  wire.carry();
  clock.advance(0.5);
}

function askOne({ wire, clock, scscf }: NodesInProcess, user: number): void {
  const set = scscf.setOf(`sip:load${user}@${DOMAIN}`);
  const bindings = set === undefined ? [] : scscf.bindings.ofSet(set.name);
  scscf.reauthentications.ask(bindings, "operator");
  wire.carry();
  clock.advance(0.5);
}
