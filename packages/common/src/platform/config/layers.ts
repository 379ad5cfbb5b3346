// The layers of a node's settings: file, environment, command line, profile.

import { parse as parseYaml } from "yaml";
import { reasonOf } from "../thrown.ts";
import type { CommandLine } from "./argv.ts";
import { type ConfigError, type ConfigSource, expectedKnown } from "./error.ts";
import type { Leaf } from "./leaves.ts";

/** Settings whose defaults another setting chooses. */
export interface Presets {
  /** Path of the setting that chooses: "profile". */
  readonly key: string;
  /** Per word of that setting: path → value, as it would be written in a file. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface ConfigSources {
  /** Without the program and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws when the file cannot be read. */
  readFile(path: string): string;
}

/** A value as somebody wrote it. */
interface Written {
  readonly value: unknown;
  readonly source: ConfigSource;
}

export interface Layers {
  /** By path; later layers have replaced earlier ones. */
  readonly written: Map<string, Written>;
  readonly errors: ConfigError[];
}

export function writtenLayers(
  settings: { readonly node: string; readonly presets?: Presets },
  leaves: ReadonlyMap<string, Leaf>,
  commandLine: CommandLine,
  sources: ConfigSources,
): Layers {
  const layers: Layers = { written: new Map(), errors: [...commandLine.errors] };
  addFile(layers, leaves, commandLine.file, sources);
  addEnvironment(layers, leaves, settings.node, sources.env);
  addCommandLine(layers, commandLine);
  addPresets(layers, leaves, settings.presets);
  return layers;
}

function addFile(
  { written, errors }: Layers,
  leaves: ReadonlyMap<string, Leaf>,
  file: string | undefined,
  sources: ConfigSources,
): void {
  if (file === undefined) return;
  const source: ConfigSource = { kind: "file", name: file };
  let tree: unknown;
  try {
    tree = parseYaml(sources.readFile(file), { strict: true, uniqueKeys: true }) ?? {};
  } catch (problem) {
    const why = reasonOf(problem).split("\n")[0];
    errors.push({
      key: "config",
      source: COMMAND_FILE,
      value: file,
      allowed: `a YAML file: ${why}`,
    });
    return;
  }
  if (!isTree(tree)) {
    errors.push({
      key: "config",
      source: COMMAND_FILE,
      value: file,
      allowed: "a mapping of settings",
    });
    return;
  }
  for (const [key, value] of flattened(tree, leaves)) {
    const setting = leaves.get(key)?.setting;
    if (setting === undefined) {
      errors.push({ key, source, value, allowed: expectedKnown(key, [...leaves.keys()]) });
    } else {
      written.set(key, { value, source });
    }
  }
}
const COMMAND_FILE: ConfigSource = { kind: "command line", name: "--config" };

export function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** [path, value] of everything below a tree; a group the schema does not know is one entry. */
function* flattened(
  tree: Readonly<Record<string, unknown>>,
  leaves: ReadonlyMap<string, Leaf>,
  prefix = "",
): Generator<readonly [string, unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix + name;
    const isGroup = [...leaves.keys()].some((leaf) => leaf.startsWith(`${key}.`));
    if (isGroup && isTree(value)) yield* flattened(value, leaves, `${key}.`);
    // `sip:` with nothing below it, every line commented out.
    else if (!(isGroup && value === null)) yield [key, value];
  }
}

function addEnvironment(
  { written, errors }: Layers,
  leaves: ReadonlyMap<string, Leaf>,
  node: string,
  env: ConfigSources["env"],
): void {
  const byName = new Map([...leaves].map(([key, leaf]) => [leaf.env, key]));
  for (const [name, value] of Object.entries(env)) {
    // An empty variable is an unset one: compose files write `NAME=${NAME:-}`.
    if (value === undefined || value === "") continue;
    const source: ConfigSource = { kind: "environment", name };
    const key = byName.get(name);
    if (key !== undefined) written.set(key, { value, source });
    else if (name.startsWith(`${node}_`)) {
      errors.push({ key: name, source, value, allowed: expectedKnown(name, [...byName.keys()]) });
    }
  }
}

function addCommandLine({ written }: Layers, commandLine: CommandLine): void {
  for (const [key, value] of commandLine.given) {
    written.set(key, { value, source: { kind: "command line", name: `--${key}` } });
  }
}

function addPresets(
  { written }: Layers,
  leaves: ReadonlyMap<string, Leaf>,
  presets: Presets | undefined,
): void {
  if (presets === undefined) return;
  const chosen = written.get(presets.key)?.value ?? leaves.get(presets.key)?.setting.default;
  const source: ConfigSource = { kind: "profile", name: String(chosen) };
  for (const [key, value] of Object.entries(presets.values[String(chosen)] ?? {})) {
    if (!leaves.has(key)) throw new Error(`preset of an unknown setting: ${key}`);
    if (!written.has(key)) written.set(key, { value, source });
  }
}
