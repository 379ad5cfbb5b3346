// The command line of `imslab`: what was asked for, or what to write instead.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { deregistrationCauses, type OperatorCause } from "@ims-lab/common/admin-api/views";

export type Command =
  | { readonly name: "help" }
  | { readonly name: "list"; readonly what: "registrations" | "reauthentications"; from: Side }
  | { readonly name: "show"; readonly impu: string }
  | {
      readonly name: "why";
      /** IMPU or IMPI; undefined where an address is given. */
      readonly user: string | undefined;
      readonly address: Address | undefined;
    }
  | {
      readonly name: "watch";
      /** IMPU or IMPI; undefined: everybody. */
      readonly user: string | undefined;
      /** Undefined: for ever. */
      readonly seconds: number | undefined;
    }
  | { readonly name: "register"; readonly identity: string | undefined }
  | {
      readonly name: "wait";
      readonly impu: string;
      readonly until: "registered" | "authenticated";
      readonly timeoutSeconds: number;
    }
  | {
      readonly name: "reauth";
      readonly impu: string;
      readonly from: Side;
      readonly contact: string | undefined;
      /** Undefined: until it has ended. */
      readonly waitSeconds: number | undefined;
    }
  | {
      readonly name: "dereg";
      readonly impu: string;
      readonly cause: OperatorCause;
      readonly contact: string | undefined;
      readonly retryAfterSeconds: number | undefined;
    }
  | {
      readonly name: "call";
      /** IMPU or IMPI of one of the lab's UEs. */
      readonly from: string;
      readonly to: string;
      /** Hangs up so long after the answer; 0: leaves it up. */
      readonly seconds: number;
    }
  | { readonly name: "message"; readonly from: string; readonly to: string; readonly text: string };

export interface Address {
  readonly host: string;
  readonly port: string | undefined;
}

/** The node whose view is shown, or that asks. */
export type Side = "scscf" | "pcscf";

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

/** A command line that cannot be obeyed; the message says what to write. */
export class UsageError extends Error {}

export const HELP = `imslab: see and steer the lab's users.

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

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  url: { type: "string" },
  "pcscf-url": { type: "string" },
  "ue-url": { type: "string" },
  seconds: { type: "string" },
  token: { type: "string" },
  "token-file": { type: "string" },
  from: { type: "string" },
  wait: { type: "string" },
  contact: { type: "string" },
  cause: { type: "string" },
  "retry-after": { type: "string" },
  registered: { type: "boolean" },
  authenticated: { type: "boolean" },
  timeout: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

type Option = keyof typeof OPTIONS;
type Values = { readonly [O in Option]?: string | boolean };

const UE_URL = "http://127.0.0.1:9063";
const NAMES = "list, show, why, watch, reauth, dereg, register, wait, call and message";
const WAIT_SECONDS = 60;
/** Words after the first argument, where there may be any. */
const ARGUMENTS: Readonly<Record<string, number>> = { call: 1, message: 2 };

/** Every command takes these. */
const COMMON: readonly Option[] = [
  "help",
  "json",
  "url",
  "pcscf-url",
  "ue-url",
  "token",
  "token-file",
];
const OWN: Readonly<Record<Exclude<Command["name"], "help">, readonly Option[]>> = {
  list: ["from"],
  show: [],
  why: [],
  watch: ["timeout"],
  register: [],
  wait: ["registered", "authenticated", "timeout"],
  reauth: ["from", "wait", "contact"],
  dereg: ["cause", "contact", "retry-after"],
  call: ["seconds"],
  message: [],
};

export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { values, words } = parsed(argv);
  return {
    command: commandOf(words, values),
    json: values.json === true,
    scscfUrl: urlOf("--url", text(values.url) ?? env["IMSLAB_URL"] ?? "http://127.0.0.1:9062"),
    pcscfUrl: urlOf(
      "--pcscf-url",
      text(values["pcscf-url"]) ?? env["IMSLAB_PCSCF_URL"] ?? "http://127.0.0.1:9061",
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

function commandOf(words: readonly string[], values: Values): Command {
  const [name, argument, ...others] = words;
  if (values.help === true || name === "help") return { name: "help" };
  if (name === undefined) throw new UsageError(`say what to do: ${NAMES}`);
  if (!isCommand(name)) {
    throw new UsageError(`no command "${name}": there are ${NAMES}`);
  }
  const extra = others[ARGUMENTS[name] ?? 0];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  for (const option of Object.keys(values) as Option[]) {
    if (COMMON.includes(option) || OWN[name].includes(option)) continue;
    throw new UsageError(`${name} does not take --${option}`);
  }
  switch (name) {
    case "list":
      return listOf(argument, values);
    case "show":
      return { name, impu: impuOf(argument, name) };
    case "why":
      return whyOf(argument);
    case "watch":
      return { name, user: argument, seconds: secondsOf("--timeout", values.timeout) };
    case "register":
      return { name, identity: argument };
    case "wait":
      return waitOf(impuOf(argument, name), values);
    case "reauth":
      return reauthOf(impuOf(argument, name), values);
    case "dereg":
      return deregOf(impuOf(argument, name), values);
    case "call":
      return callOf(argument, others, values);
    case "message":
      return messageOf(argument, others);
  }
}

function whyOf(argument: string | undefined): Command {
  if (argument === undefined)
    throw new UsageError("say whom: imslab why sip:alice@DOMAIN, or an address: 192.0.2.7");
  const address = addressIn(argument);
  return { name: "why", user: address === undefined ? argument : undefined, address };
}

/** `192.0.2.7`, `192.0.2.7:5060`, `2001:db8::7`, `[2001:db8::7]:5060`. */
function addressIn(text: string): Address | undefined {
  const four = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text);
  const six = /^\[([\da-f:.]+)\](?::(\d{1,5}))?$/i.exec(text);
  const bare = /^([\da-f]*:[\da-f:.]*:[\da-f.:]*)$/i.exec(text);
  const [, host, port] = four ?? six ?? bare ?? [];
  return host === undefined ? undefined : { host: host.toLowerCase(), port };
}

function waitOf(impu: string, values: Values): Command {
  if (values.registered === true && values.authenticated === true)
    throw new UsageError("--registered or --authenticated, not both");
  const until = values.authenticated === true ? "authenticated" : "registered";
  const timeoutSeconds = secondsOf("--timeout", values.timeout) ?? WAIT_SECONDS;
  return { name: "wait", impu, until, timeoutSeconds };
}

function callOf(from: string | undefined, [to]: readonly string[], values: Values): Command {
  const seconds = secondsOf("--seconds", values.seconds) ?? 3;
  return { name: "call", from: ueOf(from, "call"), to: impuOf(to, "call"), seconds };
}

function messageOf(from: string | undefined, [to, said]: readonly string[]): Command {
  if (said === undefined) throw new UsageError("say what: imslab message FROM TO TEXT");
  return { name: "message", from: ueOf(from, "message"), to: impuOf(to, "message"), text: said };
}

function ueOf(argument: string | undefined, command: string): string {
  if (argument !== undefined) return argument;
  throw new UsageError(`say who: imslab ${command} sip:alice@DOMAIN sip:bob@DOMAIN`);
}

function isCommand(name: string): name is keyof typeof OWN {
  return Object.hasOwn(OWN, name);
}

function listOf(what: string | undefined, values: Values): Command {
  const from = sideOf(values.from);
  const wanted = word("list", what ?? "registrations", ["registrations", "reauthentications"]);
  if (wanted === "reauthentications" && from === "pcscf") {
    throw new UsageError("the P-CSCF keeps no re-authentications: leave --from pcscf out");
  }
  return { name: "list", what: wanted, from };
}

function reauthOf(impu: string, values: Values): Command {
  const contact = text(values.contact);
  const from = sideOf(values.from);
  if (contact !== undefined && from === "pcscf") {
    throw new UsageError("the P-CSCF asks for all of a user's contacts: leave --contact out");
  }
  const waitSeconds = secondsOf("--wait", values.wait);
  return { name: "reauth", impu, from, contact, waitSeconds };
}

function deregOf(impu: string, values: Values): Command {
  const cause = word("--cause", text(values.cause) ?? "deactivated", deregistrationCauses);
  const retryAfterSeconds = secondsOf("--retry-after", values["retry-after"]);
  if (retryAfterSeconds !== undefined && cause !== "probation") {
    throw new UsageError("--retry-after goes with --cause probation only");
  }
  return { name: "dereg", impu, cause, contact: text(values.contact), retryAfterSeconds };
}

function impuOf(argument: string | undefined, command: string): string {
  if (argument === undefined) {
    throw new UsageError(`say whom: imslab ${command} sip:alice@DOMAIN (imslab list shows all)`);
  }
  if (!/^(sips?|tel):./i.test(argument)) {
    throw new UsageError(`"${argument}" is no IMPU: it begins with sip: or tel:`);
  }
  return argument;
}

function sideOf(written: string | boolean | undefined): Side {
  return word("--from", text(written) ?? "scscf", ["scscf", "pcscf"]);
}

function word<const W extends string>(option: string, written: string, words: readonly W[]): W {
  const found = words.find((one) => one === written);
  if (found === undefined) {
    throw new UsageError(`${option}: "${written}" is none of ${words.join(", ")}`);
  }
  return found;
}

function secondsOf(option: string, written: string | boolean | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (!/^\d{1,9}(\.\d+)?$/.test(String(written))) {
    throw new UsageError(`${option}: "${written}" is no number of seconds`);
  }
  return Number(written);
}

function text(written: string | boolean | undefined): string | undefined {
  return typeof written === "string" ? written : undefined;
}

function urlOf(option: string, written: string): string {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${option}: "${written}" is no URL such as http://127.0.0.1:9062`);
  }
  return url.href.replace(/\/+$/, "");
}
