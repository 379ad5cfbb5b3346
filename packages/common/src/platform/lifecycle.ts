// A node as a process: settings, start, the `ready` line, exit codes.
import { readFileSync } from "node:fs";
import { systemClock } from "./clock.ts";
import { showSecretsNoMore } from "./command-line-secrets.ts";
import { type ConfigError, errorLine, SettingError } from "./config/error.ts";
import { type Leaf, leavesOf } from "./config/leaves.ts";
import { type LoadedConfig, loadConfig, type Settings } from "./config.ts";
import { gatheredOutput } from "./gathered-output.ts";
import { createLogger, type LogSettings } from "./logger.ts";
import type { NodeTools, ProcessPort, RunningNode } from "./node-process.ts";
import { EXIT, fail, stopOnSignal } from "./signals.ts";

export type { NodeTools, ProcessPort, RunningNode } from "./node-process.ts";

export interface NodeProgram<C extends { readonly log: LogSettings }> extends Settings<C> {
  /** Resolves when the node serves. May throw SettingError, or the system's error of a listener. */
  start(config: C, tools: NodeTools): Promise<RunningNode>;
}

/** Runs a node until a signal ends it; exits with 2 when its settings are refused. */
export async function runNode<C extends { readonly log: LogSettings }>(
  port: ProcessPort,
  program: NodeProgram<C>,
): Promise<void> {
  const name = program.node.toLowerCase();
  const loaded = loadConfig(program, {
    argv: port.argv.slice(2),
    env: port.env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  if (loaded.kind !== "config") {
    answer(port, name, loaded);
    return;
  }
  const clock = systemClock();
  const output = gatheredOutput(port.stdout, clock);
  const log = createLogger({ node: name, settings: loaded.config.log, clock, output });
  showSecretsNoMore(port, program, log);
  const stopper = stopOnSignal(port, { log, clock });
  try {
    const node = await program.start(loaded.config, { log, clock });
    if (!stopper.started(node)) return;
    await log.flush(); // what was said while starting stands before it
    port.stdout.write(readyLine(name, node));
  } catch (problem) {
    const errors = refusedWhileStarting(problem, program, loaded);
    if (errors.length > 0) answer(port, name, { kind: "refused", errors });
    else fail(port, log, "start.failed", problem);
  }
}

/** What is printed instead of running. */
function answer<C>(
  port: ProcessPort,
  name: string,
  loaded: Exclude<LoadedConfig<C>, { kind: "config" }>,
): void {
  switch (loaded.kind) {
    case "help":
      port.stdout.write(loaded.text);
      break;
    case "version":
      port.stdout.write(`${name} ${productVersion()}\n`);
      break;
    case "refused":
      for (const error of loaded.errors) port.stderr.write(`${name}: ${errorLine(error)}\n`);
      break;
  }
  port.exit(loaded.kind === "refused" ? EXIT.refused : EXIT.done);
}

/** The version that all workspaces share. */
export function productVersion(): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const parsed = JSON.parse(file) as { version: string };
  return parsed.version;
}

function readyLine(name: string, { addresses }: RunningNode): string {
  const parts = Object.entries(addresses).map(([side, address]) => ` ${side}=${address}`);
  return `ready ${name}${parts.join("")}\n`;
}

/** The settings to blame for a failed start; none when it is our own fault. */
function refusedWhileStarting<C>(
  problem: unknown,
  { node, schema }: Settings<C>,
  loaded: Extract<LoadedConfig<C>, { kind: "config" }>,
): readonly ConfigError[] {
  if (problem instanceof SettingError) {
    const { key, value, allowed } = problem;
    return [{ key, value, allowed, source: loaded.where(key) }];
  }
  const failure = listenFailure(problem);
  if (failure === undefined) return [];
  const leaves = [...leavesOf(node, schema)];
  const settings = failure.port === undefined ? hostsOf(leaves) : portsOf(leaves);
  const wanted = settings.filter((key) =>
    [failure.port, failure.address].includes(at(loaded.config, key) as string | number),
  );
  // Two sides may use one port on two addresses: the address tells which.
  const exact = wanted.filter((key) => at(loaded.config, hostKey(key)) === failure.address);
  const place = failure.port === undefined ? failure.address : `${failure.address}:${failure.port}`;
  // Of two that want one port the later is to blame: the earlier one has it.
  return (exact.length > 0 ? exact : wanted).slice(-1).map((portOrHost) => {
    const key = failure.blames === "host" ? hostKey(portOrHost) : portOrHost;
    return {
      key,
      value: at(loaded.config, key),
      source: loaded.where(key),
      allowed: `${failure.expected} (${place}: ${failure.code})`,
    };
  });
}

type Leaves = readonly (readonly [key: string, leaf: Leaf])[];

function portsOf(leaves: Leaves): readonly string[] {
  return leaves.filter(([, { setting }]) => setting.kind === "port").map(([key]) => key);
}

function hostsOf(leaves: Leaves): readonly string[] {
  return leaves.map(([key]) => key).filter((key) => key === hostKey(key));
}

/** `access.tls.port` is on `access.host` as `access.port` is. */
function hostKey(key: string): string {
  return key.replace(/\..*$/, ".host");
}

function at(config: unknown, key: string): unknown {
  let value: unknown = config;
  for (const name of key.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

interface ListenFailure {
  readonly code: string;
  /** An address, or the name that has none. */
  readonly address: string;
  /** Undefined: not even the address is known. */
  readonly port: number | undefined;
  readonly blames: "port" | "host";
  readonly expected: string;
}

const OWN_ADDRESS = { blames: "host", expected: "an address of this machine" } as const;
const OWN_NAME = { blames: "host", expected: "an address of this machine, or its name" } as const;
const LISTEN_FAILURES: Readonly<Record<string, Pick<ListenFailure, "blames" | "expected">>> = {
  EADDRINUSE: { blames: "port", expected: "a port that nobody else uses" },
  EACCES: { blames: "port", expected: "a port this user may listen on" },
  EADDRNOTAVAIL: OWN_ADDRESS,
  EINVAL: OWN_ADDRESS, // a link-local one without its zone
  ENOTFOUND: OWN_NAME,
  EAI_AGAIN: OWN_NAME,
};

interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
}

function listenFailure(problem: unknown): ListenFailure | undefined {
  if (!(problem instanceof Error)) return undefined;
  const { code = "", address, hostname, port }: SystemError = problem;
  const failure = LISTEN_FAILURES[code];
  const place = address ?? hostname;
  if (failure === undefined || place === undefined) return listenFailure(problem.cause);
  return { ...failure, code, address: place, port };
}
