// The way of one authenticated registration through both nodes: files, functions and calls, by V8's precise coverage.
import { Session } from "node:inspector/promises";
import { say } from "../output.ts";
import { Devices } from "./devices.ts";
import { startNodes } from "./lab.ts";

export interface WayResult {
  readonly files: number;
  readonly functions: number;
  readonly calls: number;
  /** Calls by folder below packages/, the most first. */
  readonly folders: readonly { readonly folder: string; readonly calls: number }[];
}

const WARM_UP = 3000;

export async function measureWay(): Promise<WayResult> {
  say("way: one registration over two hops");
  const nodes = await startNodes(WARM_UP + 1, 2);
  const devices = new Devices(nodes, { behindPcscf: true, subscribe: false });
  await nodes.devices.listen(devices);
  const register = (user: number): void => {
    devices.register(user);
    nodes.wire.carry();
    nodes.clock.advance(0.5);
  };
  for (let user = 1; user <= WARM_UP; user++) register(user);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage"); // what was counted so far
  register(WARM_UP + 1);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  if (devices.done !== WARM_UP + 1) throw new Error("the last one has not registered");
  return counted(result);
}

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

function counted(scripts: readonly Script[]): WayResult {
  const folders = new Map<string, number>();
  let files = 0;
  let functions = 0;
  let calls = 0;
  for (const { url, functions: all } of scripts) {
    const path = /\/packages\/(.+)$/.exec(url)?.[1];
    const counts = all.map(({ ranges }) => ranges[0]?.count ?? 0).filter((count) => count > 0);
    if (path === undefined || path.includes("/testing/") || counts.length === 0) continue;
    const sum = counts.reduce((total, count) => total + count, 0);
    const folder = path.slice(0, path.lastIndexOf("/"));
    folders.set(folder, (folders.get(folder) ?? 0) + sum);
    files += 1;
    functions += counts.length;
    calls += sum;
  }
  const byCalls = [...folders].map(([folder, count]) => ({ folder, calls: count }));
  return { files, functions, calls, folders: byCalls.sort((a, b) => b.calls - a.calls) };
}
