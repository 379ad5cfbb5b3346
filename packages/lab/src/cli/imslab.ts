// The `imslab` command: one invocation, from its arguments to its exit code. docs/operations.md.
import { readFileSync } from "node:fs";
import type {
  AccessBindingView,
  DeregisterAnswer,
  MessageView,
  Page,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";
import { widthOf } from "../terminal.ts";
import { type AdminClient, adminClient } from "./admin-client.ts";
import { IMSLAB_HELP, type Invocation, readArguments } from "./arguments.ts";
import { callLine, followCall, messageLine, placeCall } from "./calls.ts";
import type { Command } from "./commands.ts";
import { CommandFailure, EXIT, exitCodeOf } from "./exit-codes.ts";
import { historyOfAddress, historyOfUser, historyText, type NodeEvent } from "./history.ts";
import { UsageError } from "./option-values.ts";
import { withProgress } from "./progress.ts";
import { askPcscf, askScscf } from "./reauthenticate.ts";
import {
  accessTable,
  outcomeLine,
  reauthenticationsTable,
  registrationsTable,
  registrationText,
} from "./views.ts";
import { awaitUser, isRegistered, registerLine, registerUes } from "./waiting.ts";
import { watch } from "./watch.ts";

/** Where the command runs; `main.ts` hands in the real ones. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

/** What a command needs to do its work. */
interface Session {
  readonly context: CommandContext;
  readonly json: boolean;
  readonly scscf: AdminClient;
  readonly pcscf: AdminClient;
  readonly ue: AdminClient;
}

/** Never throws for anything a user or a node can do; answers the exit code. */
export async function imslab(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    const invocation = readArguments(argv, context.env);
    return await run(invocation.command, sessionOf(invocation, context));
  } catch (problem) {
    if (problem instanceof UsageError) {
      context.stderr.write(`imslab: ${problem.message}\nimslab --help says more\n`);
      return EXIT.usage;
    }
    if (problem instanceof CommandFailure) {
      context.stderr.write(`imslab: ${printable(problem.message)}\n`);
      return problem.exitCode;
    }
    throw problem;
  }
}

function sessionOf(invocation: Invocation, context: CommandContext): Session {
  const { json, scscfUrl, pcscfUrl, ueUrl } = invocation;
  const common = { token: tokenOf(invocation), fetch: context.fetch };
  return {
    context,
    json,
    scscf: adminClient({ ...common, node: "S-CSCF", url: scscfUrl, urlOption: "--url" }),
    pcscf: adminClient({ ...common, node: "P-CSCF", url: pcscfUrl, urlOption: "--pcscf-url" }),
    ue: adminClient({ ...common, node: "UE", url: ueUrl, urlOption: "--ue-url" }),
  };
}

function tokenOf({ token, tokenFile }: Invocation): string | undefined {
  if (token !== undefined || tokenFile === undefined) return token;
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (problem) {
    throw new UsageError(`--token-file: ${problem instanceof Error ? problem.message : problem}`);
  }
}

function run(command: Command, session: Session): Promise<number> | number {
  switch (command.name) {
    case "help":
      session.context.stdout.write(IMSLAB_HELP);
      return EXIT.done;
    case "list":
      return list(command, session);
    case "show":
      return show(command.impu, session);
    case "why":
      return why(command, session);
    case "watch":
      return watchEvents(command, session);
    case "register":
      return register(command.identity, session);
    case "wait":
      return wait(command, session);
    case "reauth":
      return reauth(command, session);
    case "dereg":
      return dereg(command, session);
    case "call":
      return call(command, session);
    case "message":
      return message(command, session);
  }
}

async function list(
  { what, from }: Extract<Command, { name: "list" }>,
  session: Session,
): Promise<number> {
  const { scscf, pcscf } = session;
  if (what === "reauthentications") {
    const page = await scscf.all<ReauthenticationView>("/reauthentications");
    return printPage(page, reauthenticationsTable, session);
  }
  if (from === "pcscf") {
    return printPage(await pcscf.all<AccessBindingView>("/registrations"), accessTable, session);
  }
  return printPage(
    await scscf.all<RegistrationView>("/registrations"),
    registrationsTable,
    session,
  );
}

function printPage<T>(
  page: Page<T>,
  asTable: (items: readonly T[], now: number, width: number) => string,
  session: Session,
): number {
  const { stdout, env, clock } = session.context;
  return print(page, asTable(page.items, clock.now(), widthOf(stdout, env)), session);
}

async function show(impu: string, session: Session): Promise<number> {
  const found = await session.scscf.get<RegistrationView>(pathOf(impu));
  const { events } = await historyOfUser(impu, session).catch(noEvents);
  const text = registrationText(found, session.context.clock.now());
  const past = events.length === 0 ? "" : `\n${historyText(events)}`;
  return print({ ...found, history: events }, text + past, session);
}

/** `show` needs the registration alone; its history may be missing. */
function noEvents(problem: unknown): { events: readonly NodeEvent[] } {
  if (problem instanceof CommandFailure) return { events: [] };
  throw problem;
}

async function why(
  { user, address }: Extract<Command, { name: "why" }>,
  session: Session,
): Promise<number> {
  const { stderr } = session.context;
  const history =
    address === undefined
      ? await historyOfUser(user ?? "", session)
      : await historyOfAddress(address.host, address.port, session);
  for (const problem of history.missing) stderr.write(`imslab: left out: ${printable(problem)}\n`);
  const { events, registration } = history;
  const past = events.length === 0 ? "nothing has happened yet\n" : historyText(events);
  const now = registration === undefined ? "" : `now ${registration.state}\n`;
  return print({ items: events, total: events.length }, past + now, session);
}

async function register(identity: string | undefined, session: Session): Promise<number> {
  const { context, ue } = session;
  const ues = await withProgress(context, (progress) => registerUes(identity, ue, progress));
  const text = ues.map((one) => printable(registerLine(one).trimEnd())).join("\n");
  print({ items: ues, total: ues.length }, `${text}\n`, session);
  return ues.every(isRegistered) ? EXIT.done : EXIT.unknown;
}

async function wait(
  command: Extract<Command, { name: "wait" }>,
  session: Session,
): Promise<number> {
  const { context, scscf } = session;
  const found = await withProgress(context, (progress) => awaitUser(command, scscf, progress));
  const verb = command.until === "registered" ? "is registered" : "has authenticated";
  return print(found, `${printable(command.impu)} ${verb}\n`, session);
}

async function reauth(
  command: Extract<Command, { name: "reauth" }>,
  session: Session,
): Promise<number> {
  const { context, scscf, pcscf } = session;
  const outcome = await withProgress<Awaited<ReturnType<typeof askPcscf>>>(context, (progress) =>
    command.from === "pcscf"
      ? askPcscf(command, { scscf, pcscf }, progress)
      : askScscf(command, scscf, progress),
  );
  if ("contacts" in outcome) {
    return print(outcome, `asked for ${outcome.contacts.join(", ")}\n`, session);
  }
  const lines = outcome.map(outcomeLine).join("");
  print({ items: outcome, total: outcome.length }, lines, session);
  // Without waiting, the request itself is the success.
  return command.waitSeconds === 0 ? EXIT.done : exitCodeOf(outcome.map(({ end }) => end));
}

async function dereg(
  command: Extract<Command, { name: "dereg" }>,
  session: Session,
): Promise<number> {
  const { impu, cause, contact, retryAfterSeconds } = command;
  const query = { cause, contact, retryAfterSeconds };
  const answer = await session.scscf.delete<DeregisterAnswer>(pathOf(impu), query);
  return print(answer, `${impu}: ${cause}: ${answer.contacts.join(", ")}\n`, session);
}

function watchEvents(
  command: Extract<Command, { name: "watch" }>,
  { scscf, json, context }: Session,
): Promise<number> {
  const { clock, stdout, stderr } = context;
  return watch(command, {
    scscf,
    clock,
    json,
    out: (line) => stdout.write(`${line}\n`),
    note: (line) => stderr.write(`imslab: ${printable(line)}\n`),
  });
}

function pathOf(impu: string): string {
  return `/registrations/${encodeURIComponent(impu)}`;
}

function print(answer: object, text: string, { json, context }: Session): number {
  context.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : text);
  return EXIT.done;
}

async function call(
  command: Extract<Command, { name: "call" }>,
  session: Session,
): Promise<number> {
  const { context, ue } = session;
  const placed = await placeCall(command, ue);
  const call = await withProgress(context, (progress) => followCall(command, placed, ue, progress));
  print(call, callLine(call), session);
  return call.upAt === null ? EXIT.unknown : EXIT.done;
}

async function message(
  { from, to, text }: Extract<Command, { name: "message" }>,
  session: Session,
): Promise<number> {
  const sent = await session.ue.post<MessageView>("/message", {}, { identity: from, to, text });
  print(sent, messageLine(sent), session);
  const isTaken = sent.status !== null && sent.status < 300;
  return isTaken ? EXIT.done : EXIT.unknown;
}
