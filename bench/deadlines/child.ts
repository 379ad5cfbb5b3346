// An S-CSCF whose bindings all expire within one second, on a clock that leaps to that second and then goes with the
// system's: how late each is gone. Run by deadlines.ts.
import { type Clock, systemClock } from "@ims-lab/common/platform/clock";
import { memoryStore } from "../../packages/scscf/src/store/memory-store.ts";
import type { Store } from "../../packages/scscf/src/store/store.ts";
import { Devices } from "../nodes/devices.ts";
import { startNodesOn } from "../nodes/lab.ts";
import { LeapingTime } from "../nodes/leaping-time.ts";

const bindings = Number(process.argv[2]);
const real: Clock = systemClock();

const time = new LeapingTime(real);
const clock = systemClock(time.now);
const expiries = new Map<string, number>();
let lateness: number[] = [];
/** Microseconds of all threads for each binding that expired. */
let cpu = Number.NaN;

/** Sees when a binding is durably gone. */
function watched(store: Store): Store {
  return {
    ...store,
    commit: (changes, done) =>
      store.commit(changes, (problem) => {
        for (const change of changes) {
          if (change.table !== "bindings") continue;
          if (change.value !== undefined) expiries.set(change.id, change.value.expiresAt);
          else lateness.push(time.now() - (expiries.get(change.id) ?? Number.NaN));
        }
        done(problem);
      }),
  };
}

/** Compilers get to know the work first, as in a node that has run for a while. */
const WARM_UP = 50_000;
const nodes = await startNodesOn(clock, WARM_UP + bindings, 1, watched(memoryStore()));
const devices = new Devices(nodes, { behindPcscf: false, subscribe: false });
await nodes.devices.listen(devices);
await expire(1, WARM_UP);
await expire(WARM_UP + 1, WARM_UP + bindings);

/** Registers these users within a second, and waits until that second comes round again and nobody is left. */
async function expire(firstUser: number, lastUser: number): Promise<void> {
  const users = lastUser - firstUser + 1;
  expiries.clear();
  lateness = [];
  devices.done = 0;
  for (let user = firstUser; user <= lastUser; user++) {
    devices.register(user);
    nodes.wire.carry();
    time.leap(1000 / users);
  }
  if (devices.done !== users) throw new Error(`${devices.done} of ${users} registered`);
  time.leap(60_000); // no transaction is left
  await when(() => true);
  const [first = Number.NaN] = expiries.values();
  time.leap(first - time.now() - 500);
  const before = process.cpuUsage();
  time.go();
  clock.after(0, () => undefined); // the clock looks at the time again
  await when(() => lateness.length >= users);
  time.stop();
  const { user, system } = process.cpuUsage(before);
  cpu = (user + system) / users;
}

/** Looks at once a tenth of a second, after the clock has seen where time is. */
function when(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (isSo()) resolve();
      else real.after(100, look);
    };
    clock.after(0, () => real.after(100, look));
  });
}

lateness.sort((a, b) => a - b);
const quantile = (share: number): number =>
  lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? Number.NaN;
process.stdout.write(
  JSON.stringify({ bindings, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), cpu }),
);
process.exit(0);
