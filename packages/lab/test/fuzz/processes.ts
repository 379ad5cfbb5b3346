// A fuzzed node as a process: what it says is a fault, and its memory is looked at.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import type { Faults } from "./faults.ts";

export const HOST = "127.0.0.1";
export const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";

const GUARD = new URL("loopback-only.ts", import.meta.url).href;

export interface NodeStart {
  readonly program: "scscf" | "pcscf" | "ue";
  /** In messages of ours; more than one may run of a program. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves when it serves; rejects with what it said when it does not. */
export async function startNode(
  { program, name, env }: NodeStart,
  faults: Faults,
): Promise<ChildNode> {
  const prefix = program.toUpperCase();
  const node = startChild({
    name,
    program: fileURLToPath(new URL(`../../../${program}/src/main.ts`, import.meta.url)),
    env: {
      // biome-ignore lint/style/noProcessEnv: the program's own environment ends here
      PATH: process.env["PATH"],
      NODE_OPTIONS: `--import=${GUARD}`,
      [`${prefix}_LOG_LEVEL`]: "error",
      // Several of a kind run at once, and begin with nothing.
      ...(program !== "ue" && { [`${prefix}_STORE`]: "memory" }),
      ...env,
    },
    onLine: (line) => faults.said(name, line),
  });
  await node.ready;
  return node;
}

/** Rejects with the node's name and code when one ends. */
export function deathOf(nodes: readonly ChildNode[]): Promise<never> {
  const died = Promise.race(
    nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    }),
  );
  died.catch(() => undefined); // heard where it is raced
  return died;
}

export function residentOctets(nodes: readonly ChildNode[]): number {
  return nodes.reduce((sum, { pid }) => sum + residentOf(pid), 0);
}

function residentOf(pid: number | undefined): number {
  const pages = readFileSync(`/proc/${pid ?? "self"}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

/** Longer than any answer takes that does not wait for something. */
const PATIENCE_MS = 5_000;

/** A request to a node of ours; rejects when it answers too late. */
export function ask(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
}

export async function isHealthy(host: string, port: number): Promise<void> {
  const { ok, status } = await ask(`http://${host}:${port}/healthz`);
  if (!ok) throw new Error(`/healthz on port ${port} answered ${status}`);
}
