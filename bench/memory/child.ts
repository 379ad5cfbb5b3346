// An S-CSCF with many registered and subscribed users, weighed; run with --expose-gc by memory.ts.
import { Devices } from "../nodes/devices.ts";
import { startNodes } from "../nodes/lab.ts";

const users = Number(process.argv[2]);
const nodes = await startNodes(users, 1);
const devices = new Devices(nodes, { behindPcscf: false, subscribe: true });
await nodes.devices.listen(devices);

function weigh(): NodeJS.MemoryUsage {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  return process.memoryUsage();
}

/** Longer than any transaction lives. */
const SETTLED_MS = 60_000;

function serve(first: number, last: number): void {
  for (let user = first; user <= last; user++) {
    devices.register(user);
    nodes.wire.carry();
    nodes.clock.advance(1);
  }
  nodes.clock.advance(SETTLED_MS);
}

// Code and tables that do not grow with the users are there before the first weighing.
const WARM_UP = Math.min(1000, users / 2);
serve(1, WARM_UP);
const before = weigh();
serve(WARM_UP + 1, users);
const after = weigh();
if (devices.done !== users) throw new Error(`${devices.done} of ${users} have registered`);
const { bindings, notifier } = nodes.scscf;
if (bindings.size !== users || notifier.size !== users)
  throw new Error(`${bindings.size} of ${users} are registered, ${notifier.size} subscribed`);
const each = (read: (usage: NodeJS.MemoryUsage) => number): number =>
  (read(after) - read(before)) / (users - WARM_UP);
process.stdout.write(
  JSON.stringify({
    users,
    heap: each(({ heapUsed }) => heapUsed),
    external: each(({ external }) => external),
    rss: each(({ rss }) => rss),
  }),
);
