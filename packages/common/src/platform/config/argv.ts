// Command lines: `--path value`, `--path=value`, `--flag`, `--config FILE`, `--help`, `--version`.
import { type ConfigError, expectedKnown } from "./error.ts";
import type { Leaf } from "./leaves.ts";

export interface CommandLine {
  readonly help: boolean;
  readonly version: boolean;
  /** After `--config`. */
  readonly file: string | undefined;
  /** Path → text. */
  readonly given: ReadonlyMap<string, string>;
  readonly errors: readonly ConfigError[];
}

/** One option as it was typed. */
interface Option {
  readonly key: string;
  readonly value: string | undefined;
}

export function readCommandLine(
  argv: readonly string[],
  leaves: ReadonlyMap<string, Leaf>,
): CommandLine {
  const given = new Map<string, string>();
  const errors: ConfigError[] = [];
  for (const { key, value } of optionsOf(argv, leaves)) {
    const allowed = refusal(key, value, leaves, given);
    if (allowed === undefined) given.set(key, value ?? "");
    else errors.push({ key, source: { kind: "command line", name: "" }, value, allowed });
  }
  const file = given.get("config");
  const [help, version] = [given.has("help"), given.has("version")];
  for (const own of OWN) given.delete(own);
  return { help, version, file, given, errors };
}
/** Options without a value. */
const WORDS: ReadonlySet<string> = new Set(["help", "version"]);
const OWN: ReadonlySet<string> = new Set([...WORDS, "config"]);

/** What is expected in the place of an option that cannot be taken. */
function refusal(
  key: string,
  value: string | undefined,
  leaves: ReadonlyMap<string, Leaf>,
  given: ReadonlyMap<string, string>,
): string | undefined {
  if (key === "") return "options only: --setting value, --config FILE, --help";
  const leaf = leaves.get(key);
  if (leaf === undefined && !OWN.has(key)) return expectedKnown(key, [...leaves.keys(), ...OWN]);
  if (given.has(key)) return "to be given once";
  return value === undefined ? `a value: ${leaf?.setting.allowed ?? "FILE"}` : undefined;
}

/** Joins options with their values; a word without an option has the key "". */
function* optionsOf(argv: readonly string[], leaves: ReadonlyMap<string, Leaf>): Generator<Option> {
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, key, , inline] = /^--([^=]+)(=(.*))?$/s.exec(word) ?? [];
    if (key === undefined) yield { key: "", value: word };
    else yield { key, value: inline ?? following(words, key, leaves) };
  }
}

/** Takes the value that follows an option; a flag alone means true. */
function following(
  words: string[],
  key: string,
  leaves: ReadonlyMap<string, Leaf>,
): string | undefined {
  if (WORDS.has(key)) return "true";
  const [next] = words;
  if (leaves.get(key)?.setting.kind === "flag" && next !== "true" && next !== "false") {
    return "true";
  }
  return next === undefined || next.startsWith("--") ? undefined : words.shift();
}
