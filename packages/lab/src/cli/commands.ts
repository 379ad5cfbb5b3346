// The commands of `imslab` and the arguments of each.
import { deregistrationCauses, type OperatorCause } from "@ims-lab/common/admin-api/views";
import { type Option, secondsOf, text, UsageError, type Values, word } from "./option-values.ts";

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

/** Throws UsageError, with what to write instead. */
export function commandOf(words: readonly string[], values: Values): Command {
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
