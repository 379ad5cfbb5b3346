// Octets allocated per registration over both nodes and the devices; run by work.ts with a young generation so large that
// nothing is collected meanwhile: what the heap grows by is what was allocated.
import v8 from "node:v8";
import { Devices } from "./devices.ts";
import { startNodes } from "./lab.ts";

const WARM_UP = 6000;
const MEASURED = 1000;

const nodes = await startNodes(WARM_UP + MEASURED, 2);
const devices = new Devices(nodes, { behindPcscf: true, subscribe: false });
await nodes.devices.listen(devices);

function serve(first: number, last: number): void {
  for (let user = first; user <= last; user++) {
    devices.register(user);
    nodes.wire.carry();
    nodes.clock.advance(0.5);
  }
}

function allocated(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

serve(1, WARM_UP);
globalThis.gc?.();
const profiler = new v8.GCProfiler();
profiler.start();
const before = allocated();
serve(WARM_UP + 1, WARM_UP + MEASURED);
const octets = (allocated() - before) / MEASURED;
const collections = profiler.stop()?.statistics.length ?? 0;
if (devices.done !== WARM_UP + MEASURED) throw new Error(`${devices.done} have registered`);
if (collections > 0) throw new Error(`${collections} garbage collections during the measurement`);
process.stdout.write(JSON.stringify({ octets }));
