// `imslab subscriber`: the lab's HSS, listed, shown, changed and filled from files.
import type {
  ImportFormat,
  Page,
  SubscriberRemoved,
  SubscriberView,
} from "@ims-lab/common/admin-api/views";
import { importFormats } from "@ims-lab/common/admin-api/views";
import { widthOf } from "../../terminal.ts";
import { type Command, defineCommand, print, type Run, type Session } from "../command.ts";
import { UsageError, word } from "../option-values.ts";
import { importFile } from "../subscriber-import.ts";
import { changedLine, subscribersTable, subscriberText } from "../subscriber-views.ts";

const options = {
  impu: { type: "string" },
  password: { type: "string" },
  k: { type: "string" },
  op: { type: "string" },
  opc: { type: "string" },
  amf: { type: "string" },
  algorithm: { type: "string" },
  subscription: { type: "string" },
  format: { type: "string" },
  replace: { type: "boolean" },
  "dry-run": { type: "boolean" },
  limit: { type: "string" },
  offset: { type: "string" },
} as const;

type Values = { readonly [N in keyof typeof options]?: string | boolean };

/** Which options go with which action; the others are refused. */
const ACTIONS = {
  list: ["limit", "offset"],
  show: [],
  add: ["impu", "password", "k", "op", "opc", "amf", "algorithm", "subscription", "replace"],
  import: ["format", "replace", "dry-run"],
  remove: [],
} as const satisfies Readonly<Record<string, readonly (keyof typeof options)[]>>;

const NAMES = Object.keys(ACTIONS) as (keyof typeof ACTIONS)[];

export const subscriber: Command = defineCommand({
  name: "subscriber",
  help: `  imslab subscriber list [--limit N] [--offset N]
  imslab subscriber show|remove IMPI
      remove: its devices are de-registered (rejected).
  imslab subscriber add IMPI --impu URI[,URI] --password P | --k K (--opc OPC|--op OP) [--amf AMF]
               [--algorithm A] [--subscription enforce|warn|optional] [--replace]
  imslab subscriber add FILE.yaml|- [--replace]
      An entry as in the subscribers file; - reads it from standard input. Changes last.
  imslab subscriber import FILE|- [--format yaml|sipp|table] [--replace] [--dry-run]
      Entries, SIPp's injection file, or a table of cards (imsi, ki, opc|op, amf, sqn, msisdn): all or none.
`,
  options,
  words: 2,
  read([action, argument], values) {
    const name = word("subscriber", action ?? "list", NAMES);
    const taken: readonly string[] = ACTIONS[name];
    for (const option of Object.keys(values))
      if (Object.hasOwn(options, option) && !taken.includes(option))
        throw new UsageError(`subscriber ${name} does not take --${option}`);
    return runOf(name, argument, values);
  },
});

function runOf(name: keyof typeof ACTIONS, argument: string | undefined, values: Values): Run {
  if (name === "list") return listOf(argument, values);
  if (argument === undefined) throw new UsageError(`say whom or what: imslab subscriber ${name} …`);
  switch (name) {
    case "show":
      return (session) => show(argument, session);
    case "remove":
      return (session) => remove(argument, session);
    case "add":
      return addOf(argument, values);
    case "import": {
      const format = values.format && word("--format", String(values.format), importFormats);
      return (session) =>
        importFile(argument, { ...flagsOf(values), ...(format && { format }) }, session);
    }
  }
}

function flagsOf(values: Values): { replace: boolean; dryRun: boolean; format?: ImportFormat } {
  return { replace: values.replace === true, dryRun: values["dry-run"] === true };
}

const SHOWN = 100;

function listOf(argument: string | undefined, values: Values): Run {
  if (argument !== undefined) throw new UsageError(`"${argument}" is one word too many`);
  const limit = numberOf("--limit", values.limit, SHOWN);
  const offset = numberOf("--offset", values.offset, 0);
  if (limit < 1 || limit > MOST) throw new UsageError(`--limit: expected 1 to ${MOST}`);
  return async (session) => {
    const page = await session.scscf.get<Page<SubscriberView>>("/subscribers", { limit, offset });
    const { stdout, env } = session.context;
    return print(page, subscribersTable(page, offset, widthOf(stdout, env)), session);
  };
}

/** Of one answer of the node. */
const MOST = 1000;

function numberOf(option: string, written: string | boolean | undefined, absent: number): number {
  if (written === undefined) return absent;
  if (!/^\d{1,9}$/.test(String(written)))
    throw new UsageError(`${option}: "${written}" is no whole number`);
  return Number(written);
}

async function show(impi: string, session: Session): Promise<number> {
  const found = await session.scscf.get<SubscriberView>(pathOf(impi));
  return print(found, subscriberText(found, session.context.clock.now()), session);
}

async function remove(impi: string, session: Session): Promise<number> {
  const removed = await session.scscf.delete<SubscriberRemoved>(pathOf(impi));
  const { contacts } = removed;
  const ended = contacts.length === 0 ? "" : `, de-registered: ${contacts.join(", ")}`;
  return print(removed, changedLine(impi, `removed${ended}`), session);
}

function addOf(argument: string, values: Values): Run {
  if (argument === "-" || /\.ya?ml$/i.test(argument)) {
    const given = ACTIONS.add.find(
      (option) => option !== "replace" && values[option] !== undefined,
    );
    if (given !== undefined)
      throw new UsageError(`--${given} goes with an IMPI: ${argument} has its own members`);
    return (session) => importFile(argument, { ...flagsOf(values), format: "yaml" }, session);
  }
  const body = { impus: impusOf(values), auth: authOf(values), ...dutyOf(values) };
  return async (session) => {
    // RFC 9110 §13.1.2: adding is no replacing; whoever means that says so.
    const onlyNew = values.replace === true ? {} : { "if-none-match": "*" };
    const put = await session.scscf.put<SubscriberView>(pathOf(argument), {}, body, onlyNew);
    const what = values.replace === true ? "is as given" : "added";
    return print(put, changedLine(argument, what), session);
  };
}

function impusOf({ impu }: Values): readonly string[] {
  if (typeof impu !== "string")
    throw new UsageError(
      "--impu: say the public identities, the default first: sip:alice@DOMAIN,tel:+15550001",
    );
  return impu.split(",").map((one) => one.trim());
}

function authOf({ password, k, op, opc, amf, algorithm }: Values): object {
  const isAka = [k, op, opc, amf].some((one) => one !== undefined);
  if (isAka === (password !== undefined))
    throw new UsageError("say the credentials: --password P, or --k K with --opc OPC or --op OP");
  if (!isAka) {
    const algorithms = typeof algorithm === "string" && { algorithms: algorithm.split(",") };
    return { scheme: "digest", password, ...algorithms };
  }
  return { scheme: "aka", k, op, opc, amf, algorithm };
}

function dutyOf({ subscription }: Values): object {
  if (subscription === undefined) return {};
  const duties = ["enforce", "warn", "optional"] as const;
  return { subscription: word("--subscription", String(subscription), duties) };
}

function pathOf(impi: string): string {
  return `/subscribers/${encodeURIComponent(impi)}`;
}
