// The command line of `imslab`: command, URLs of the nodes, token, output format.
import { parseArgs } from "node:util";
import { type Command, commandOf } from "./commands.ts";
import { OPTIONS, text, UsageError, urlOf, type Values } from "./option-values.ts";

export interface Invocation {
  readonly command: Command;
  readonly json: boolean;
  readonly scscfUrl: string;
  readonly pcscfUrl: string;
  readonly ueUrl: string;
  readonly token: string | undefined;
  /** Where to read the token when none was given. */
  readonly tokenFile: string | undefined;
}

export const IMSLAB_HELP = `imslab: see and steer the lab's users.

  imslab list [registrations|reauthentications] [--from scscf|pcscf]
  imslab show IMPU
  imslab why IMPU|IMPI|ADDRESS[:PORT]
      What happened to a user, or came from an address: both CSCFs' latest events, and why.
  imslab watch [IMPU|IMPI] [--timeout SECONDS]
      What happens at the S-CSCF, as it happens, until Ctrl-C; --json: a line of JSON each.
  imslab reauth IMPU [--wait SECONDS] [--contact URI] [--from scscf|pcscf]
      Makes the user authenticate again and waits for the end; --wait 0 only asks.
  imslab dereg IMPU [--cause expired|deactivated|rejected|probation] [--contact URI]
               [--retry-after SECONDS]
      Ends the registration; deactivated (the default): the device may come back at once.
  imslab register [USER]
      Has the lab's UE (all of them, or this IMPU or IMPI) register now, and waits for its answer.
  imslab wait IMPU [--registered|--authenticated] [--timeout SECONDS]
      Until the user is registered (the default), or has authenticated anew; 60 s at most.
  imslab call FROM TO [--seconds N]
      Has a UE of the lab call somebody, and hang up N seconds after the answer (3; 0: never).
  imslab message FROM TO TEXT

  --json             the node's answer instead of a table
  --url URL          admin interface of the S-CSCF (IMSLAB_URL, http://127.0.0.1:9062)
  --pcscf-url URL    admin interface of the P-CSCF (IMSLAB_PCSCF_URL, http://127.0.0.1:9061)
  --ue-url URL       control interface of the UE (IMSLAB_UE_URL, http://127.0.0.1:9063)
  --token TOKEN      bearer token of all (IMSLAB_TOKEN)
  --token-file FILE  file that holds it (IMSLAB_TOKEN_FILE)

exit codes: 0 done, 1 node not reached, time over, or refused, 2 usage, 3 not registered,
            10 refused, 11 ignored, 12 unreachable, 13 unsubscribed, 14 unanswered, 15 withdrawn
`;

const SCSCF_URL = "http://127.0.0.1:9062";
const PCSCF_URL = "http://127.0.0.1:9061";
const UE_URL = "http://127.0.0.1:9063";

/** Throws UsageError for a command line that cannot be obeyed. */
export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { values, words } = parsed(argv);
  return {
    command: commandOf(words, values),
    json: values.json === true,
    scscfUrl: urlOf("--url", text(values.url) ?? env["IMSLAB_URL"] ?? SCSCF_URL),
    pcscfUrl: urlOf(
      "--pcscf-url",
      text(values["pcscf-url"]) ?? env["IMSLAB_PCSCF_URL"] ?? PCSCF_URL,
    ),
    ueUrl: urlOf("--ue-url", text(values["ue-url"]) ?? env["IMSLAB_UE_URL"] ?? UE_URL),
    token: text(values.token) ?? env["IMSLAB_TOKEN"],
    tokenFile: text(values["token-file"]) ?? env["IMSLAB_TOKEN_FILE"],
  };
}

function parsed(argv: readonly string[]): { values: Values; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: OPTIONS,
      allowPositionals: true,
    });
    return { values, words: positionals };
  } catch (problem) {
    throw new UsageError(problem instanceof Error ? problem.message : String(problem));
  }
}
