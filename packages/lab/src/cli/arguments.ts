// The command line of `imslab`: command, URLs of the nodes, token, output format.
import { parseArgs } from "node:util";
import type { Command, Options, Run, Written } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { tokenOf, UsageError, urlOf } from "./option-values.ts";

/** What is to be done, or the help that was asked for. */
type Task = { readonly run: Run } | { readonly help: string };

export interface Invocation {
  readonly task: Task;
  readonly json: boolean;
  readonly scscfUrl: string;
  readonly pcscfUrl: string;
  readonly ueUrl: string;
  readonly token: string | undefined;
  /** Where to read the token when none was given. */
  readonly tokenFile: string | undefined;
}

export const IMSLAB_HELP: string = `imslab: see and steer the lab's users.

${COMMANDS.map(({ help }) => help).join("")}
  --json             the node's answer instead of a table
  --url URL          admin interface of the S-CSCF (IMSLAB_URL, http://127.0.0.1:9062)
  --pcscf-url URL    admin interface of the P-CSCF (IMSLAB_PCSCF_URL, http://127.0.0.1:9061)
  --ue-url URL       control interface of the UE (IMSLAB_UE_URL, http://127.0.0.1:9063)
  --token TOKEN      bearer token of all (IMSLAB_TOKEN)
  --token-file FILE  file that holds it (IMSLAB_TOKEN_FILE)

exit codes: 0 done, 1 node not reached, time over, or refused, 2 usage, 3 not registered,
            10 refused, 11 ignored, 12 unreachable, 13 unsubscribed, 14 unanswered, 15 withdrawn,
            20 verify has found something wrong, 130 interrupted
`;
const OF_ALL = "\nimslab --help: the other commands, options of all, exit codes\n";

const SCSCF_URL = "http://127.0.0.1:9062";
const PCSCF_URL = "http://127.0.0.1:9061";
const UE_URL = "http://127.0.0.1:9063";

/** Every command takes these. */
const COMMON = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  url: { type: "string" },
  "pcscf-url": { type: "string" },
  "ue-url": { type: "string" },
  token: { type: "string" },
  "token-file": { type: "string" },
} as const;

/** Throws UsageError for a command line that cannot be obeyed. */
export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { values, words } = parsed(argv);
  /** The option, or else the variable; one that is empty counts as unset. */
  function given<T>(
    option: keyof typeof COMMON,
    variable: string,
    read: (where: string, written: string) => T,
  ): T | undefined {
    const written = values[option];
    if (typeof written === "string") return read(`--${option}`, written);
    return env[variable] ? read(variable, env[variable]) : undefined;
  }
  return {
    task: taskOf(words, values),
    json: values["json"] === true,
    scscfUrl: given("url", "IMSLAB_URL", urlOf) ?? SCSCF_URL,
    pcscfUrl: given("pcscf-url", "IMSLAB_PCSCF_URL", urlOf) ?? PCSCF_URL,
    ueUrl: given("ue-url", "IMSLAB_UE_URL", urlOf) ?? UE_URL,
    token: given("token", "IMSLAB_TOKEN", tokenOf),
    tokenFile: given("token-file", "IMSLAB_TOKEN_FILE", (_where, file) => file),
  };
}

function taskOf(written: readonly string[], values: Written): Task {
  const isHelp = written[0] === "help";
  const [name, ...words] = isHelp ? written.slice(1) : written;
  if (isHelp || values["help"] === true) {
    if (name === undefined) return { help: IMSLAB_HELP };
    return { help: commandOf(name).help + OF_ALL };
  }
  if (name === undefined) throw new UsageError(`say what to do: ${namesOf(COMMANDS)}`);
  const command = commandOf(name);
  const extra = words[command.words];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  for (const option of Object.keys(values)) {
    if (Object.hasOwn(COMMON, option) || Object.hasOwn(command.options, option)) continue;
    throw new UsageError(`${name} does not take --${option}`);
  }
  return { run: command.read(words, values) };
}

function commandOf(name: string): Command {
  const command = COMMANDS.find((one) => one.name === name);
  if (command !== undefined) return command;
  throw new UsageError(`no command "${name}": there are ${namesOf(COMMANDS)}`);
}

/** `list, show and message` */
function namesOf(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function parsed(argv: readonly string[]): { values: Written; words: string[] } {
  const options: Options = Object.assign({}, ...COMMANDS.map((one) => one.options), COMMON);
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: true,
    });
    return { values: values as Written, words: positionals };
  } catch (problem) {
    if (!(problem instanceof Error)) throw problem;
    // Its hint is about words that begin with a dash.
    throw new UsageError(problem.message.split(". To specify a positional")[0] ?? "");
  }
}
