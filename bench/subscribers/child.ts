// An S-CSCF over real sockets, timed from the start of its process and weighed; run with --expose-gc by subscribers.ts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { systemClock } from "@ims-lab/common/platform/clock";
import { loadConfig } from "@ims-lab/common/platform/config";
import { nullLogger, type RootLogger } from "@ims-lab/common/platform/logger";
import { settings } from "../../packages/scscf/src/config.ts";
import { startScscf } from "../../packages/scscf/src/start.ts";
import { loadSubscribers } from "../../packages/scscf/src/subscribers/load.ts";
import type { ImportFigures, SubscribersResult } from "./subscribers.ts";

const [users = 0, imported = 0] = process.argv.slice(2).map(Number);
const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";
const folder = mkdtempSync(join(tmpdir(), "ims-lab-bench-"));

/** Two templates whose names meet, and a user beside them: all that can be there twice is looked for. */
function fileOf(count: number): string {
  const auth = "auth: { scheme: digest, password: pw }";
  const template = (from: number, to: number): string =>
    `  - template: { from: ${from}, to: ${to}, impi: "load{n}@${DOMAIN}", impus: ["sip:load{n}@${DOMAIN}"], ${auth} }`;
  const half = Math.floor(count / 2);
  const one = `  - { impi: load@${DOMAIN}, impus: ["sip:load@${DOMAIN}"], ${auth} }`;
  return ["subscribers:", one, template(1, half), template(half + 1, count)].join("\n");
}

function heap(): number {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const path = join(folder, "subscribers.yaml");
writeFileSync(path, fileOf(users));
const before = performance.now();
if (loadSubscribers(path).kind === "refused") throw new Error("the file is refused");
const readMs = performance.now() - before;

const argv = [`--subscribers=${path}`, "--sip.port=0", "--http.port=0"];
const loaded = loadConfig(settings, { argv, env: {}, readFile: () => "" });
if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
const node = await startScscf(loaded.config, {
  clock: systemClock(),
  log: nullLogger as RootLogger,
});
const readyMs = performance.now();
const used = process.cpuUsage();
const readyCpuMs = (used.user + used.system) / 1000;
const atStart = heap();

async function importMany(): Promise<ImportFigures> {
  const hex = (n: number): string => n.toString(16).padStart(32, "0");
  const rows = Array.from({ length: imported }, (_, n) => {
    const imsi = 999_700_000_000_001 + n;
    return `${imsi},${hex(n)},${hex(n + 1)},8000,,${15_550_000_000 + n}`;
  });
  const body = ["imsi,ki,opc,amf,sqn,msisdn", ...rows].join("\n");
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const from = performance.now();
  const url = `${node.addresses["http"]}/subscribers/import`;
  const headers = { "content-type": "text/csv" };
  const answer = await fetch(url, { method: "POST", headers, body });
  const milliseconds = performance.now() - from;
  delay.disable();
  if (!answer.ok) throw new Error(await answer.text());
  await answer.text();
  const each = (heap() - atStart) / imported;
  return { users: imported, milliseconds, longestPauseMs: delay.max / 1e6, heap: each };
}

const imports = imported > 0 ? await importMany() : undefined;
const result: SubscribersResult = {
  users,
  readyMs,
  readyCpuMs,
  readMs,
  heap: atStart,
  imported: imports,
};
process.stdout.write(JSON.stringify(result));
await node.stop();
rmSync(folder, { recursive: true });
