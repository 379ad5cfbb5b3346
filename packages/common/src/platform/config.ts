// A node's configuration: defaults, profile, YAML file, environment, command line; later ones win.
import convict from "convict";
import { readCommandLine } from "./config/argv.ts";
import type { ConfigError, ConfigSource } from "./config/error.ts";
import { helpText } from "./config/help.ts";
import {
  type ConfigSources,
  isTree,
  type Layers,
  type Presets,
  writtenLayers,
} from "./config/layers.ts";
import { type Leaf, leavesOf } from "./config/leaves.ts";
import { Secret } from "./secret.ts";
import type { SchemaOf, Setting } from "./settings.ts";

export type { SchemaOf } from "./settings.ts";

/** A combination that cannot be: the setting to change and what it must be. */
export interface Impossible {
  readonly key: string;
  readonly allowed: string;
}

/** All that is fixed about a node's configuration. */
export interface Settings<C> {
  /** "SCSCF": the prefix of its environment names; lower case, its command. */
  readonly node: string;
  readonly schema: SchemaOf<C>;
  readonly presets?: Presets;
  impossible?(config: C): readonly Impossible[];
}

export type LoadedConfig<C> =
  | { readonly kind: "config"; readonly config: C; where(key: string): ConfigSource }
  | { readonly kind: "refused"; readonly errors: readonly ConfigError[] }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" };

/** Reads, checks and freezes a configuration; every mistake is reported, not only the first. */
export function loadConfig<C>(settings: Settings<C>, sources: ConfigSources): LoadedConfig<C> {
  const leaves = leavesOf(settings.node, settings.schema);
  const commandLine = readCommandLine(sources.argv, leaves);
  if (commandLine.help) return { kind: "help", text: helpText(settings, leaves) };
  if (commandLine.version) return { kind: "version" };

  const layers = writtenLayers(settings, leaves, commandLine, sources);
  const values = judge(layers, leaves);
  if (layers.errors.length > 0) return { kind: "refused", errors: layers.errors };

  const config = frozenTree<C>(leaves, values);
  const where = (key: string): ConfigSource => layers.written.get(key)?.source ?? DEFAULT;
  const errors = (settings.impossible?.(config) ?? []).map((conflict) => ({
    ...conflict,
    source: where(conflict.key),
    value: shownAt(conflict.key, layers, leaves),
  }));
  return errors.length > 0 ? { kind: "refused", errors } : { kind: "config", config, where };
}
const DEFAULT: ConfigSource = { kind: "default", name: "" };

/** One format for every setting: convict judges by our `read`, and leaves text as it is. */
convict.addFormat({
  name: "setting",
  coerce: (written: unknown) => written,
  validate: (written: unknown, leaf) => {
    const judged: unknown = leaf["judge"];
    if (typeof judged === "function") judged(written);
  },
});

/** Lets convict merge and check all layers; gives each setting's value as the program wants it. */
function judge(
  { written, errors }: Layers,
  leaves: ReadonlyMap<string, Leaf>,
): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const judges = new Map<string, object>();
  for (const [key, { setting }] of leaves) {
    const judgeOne = (value: unknown): void => {
      const read = value === undefined ? { value } : setting.read(value);
      if (read !== undefined) {
        values.set(key, read.value);
        return;
      }
      const source = written.get(key)?.source ?? DEFAULT;
      errors.push({ key, source, value: shown(setting, value), allowed: setting.allowed });
      throw new Error(setting.allowed);
    };
    const { doc, default: preset } = setting;
    judges.set(key, { doc, default: preset, format: "setting", judge: judgeOne });
  }
  const merged = convict<Record<string, unknown>>(tree(judges), { env: {}, args: [] });
  for (const [key, { value }] of written) {
    // A mapping where a value belongs: convict would take it for a group of settings.
    merged.set(key, isTree(value) ? [value] : value);
  }
  const before = errors.length;
  try {
    merged.validate({ allowed: "strict" });
  } catch (problem) {
    if (errors.length === before) throw problem;
  }
  return values;
}

function shownAt(key: string, { written }: Layers, leaves: ReadonlyMap<string, Leaf>): unknown {
  const setting = leaves.get(key)?.setting;
  return shown(setting, written.has(key) ? written.get(key)?.value : setting?.default);
}

function shown(setting: Setting<unknown> | undefined, value: unknown): unknown {
  return setting?.kind === "secret" && value !== undefined ? String(new Secret("")) : value;
}

/** Nests { "sip.port": x } as { sip: { port: x } }. */
function tree<T>(flat: ReadonlyMap<string, T>): Record<string, never> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of flat) {
    const path = key.split(".");
    const last = path.pop() ?? key;
    let at = root;
    for (const name of path) {
      at[name] ??= {};
      at = at[name] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return root as Record<string, never>;
}

function frozenTree<C>(leaves: ReadonlyMap<string, Leaf>, values: ReadonlyMap<string, unknown>): C {
  const flat = new Map([...leaves.keys()].map((key) => [key, values.get(key)]));
  return deepFrozen(tree(flat)) as C;
}

function deepFrozen<T>(value: T): T {
  // Octet arrays cannot be frozen; nobody has a reason to write to them.
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
