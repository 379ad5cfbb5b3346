// Secrets on the command line: every user of the machine can read them in the list of processes.
import { leavesOf } from "./config/leaves.ts";
import type { Logger } from "./logger.ts";
import type { SchemaOf } from "./settings.ts";

interface Titled {
  readonly argv: readonly string[];
  title: string;
}

/** Takes them out of the list of processes, and says which setting can come another way. */
export function showSecretsNoMore(
  port: Titled,
  { node, schema }: { readonly node: string; readonly schema: SchemaOf<unknown> },
  log: Logger,
): void {
  const secrets = new Map<string, string>();
  for (const [key, { setting, env }] of leavesOf(node, schema)) {
    if (setting.kind === "secret") secrets.set(`--${key}`, env);
  }
  const { argv } = port;
  const hidden = argv.map((word, at) => masked(word, argv[at - 1], secrets));
  const shown = argv.filter((word, at) => hidden[at] !== word);
  if (shown.length === 0) return;
  port.title = hidden.join(" ");
  const options = argv.filter((word) => secrets.has(optionOf(word)));
  log.warn("settings.secret-on-command-line", {
    settings: options.map((word) => optionOf(word).slice(2)),
    next: `others could read it at start; set ${options.map((word) => secrets.get(optionOf(word))).join(", ")} or --config FILE`,
  });
}

const MASK = "***";

function masked(
  word: string,
  before: string | undefined,
  secrets: ReadonlyMap<string, string>,
): string {
  if (before !== undefined && secrets.has(before)) return MASK;
  const option = optionOf(word);
  return secrets.has(option) && option !== word ? `${option}=${MASK}` : word;
}

/** "--user.k=00ff" → "--user.k" */
function optionOf(word: string): string {
  const equals = word.indexOf("=");
  return equals < 0 ? word : word.slice(0, equals);
}
