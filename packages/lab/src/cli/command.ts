// One command of `imslab`: its help, its options, and what it does with the nodes.
import type { Clock } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";
import type { AdminClient } from "./admin-client.ts";
import { EXIT } from "./exit-codes.ts";
import type { Progress } from "./progress.ts";
import { withProgress } from "./progress.ts";

/** Where the command runs; `main.ts` hands in the real ones. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** The line that a person answers; absent: there is nobody at a terminal. */
  question?(text: string): Promise<string>;
  /** From the call on an interrupt (Ctrl-C) ends nothing by itself: it is told by this signal, once. */
  readonly interruption?: () => AbortSignal;
}

/** What a command needs to do its work. */
export interface Session {
  readonly context: CommandContext;
  readonly json: boolean;
  readonly scscf: AdminClient;
  readonly pcscf: AdminClient;
  readonly ue: AdminClient;
}

/** Does the work; the exit code. Throws CommandFailure. */
export type Run = (session: Session) => Promise<number> | number;

/** As `util.parseArgs` takes them. */
export type Options = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/** What was written for each option. */
export type Values<O extends Options> = {
  readonly [N in keyof O]?: O[N]["type"] extends "boolean" ? boolean : string;
};

export interface CommandDefinition<O extends Options> {
  readonly name: string;
  /** Its lines of `imslab --help`: the usage, then indented what it does. */
  readonly help: string;
  /** Besides those that every command takes. Of one name in two commands the type is the same. */
  readonly options: O;
  /** How many words may follow its name. */
  readonly words: number;
  /** Before anything is sent. Throws UsageError, with what to write instead. */
  read(words: readonly string[], values: Values<O>): Run;
}

/** What was written, by option. */
export type Written = Readonly<Record<string, string | boolean | undefined>>;

export interface Command extends Omit<CommandDefinition<Options>, "read"> {
  read(words: readonly string[], values: Written): Run;
}

/** Checks `values` against `options` for the compiler; commands of all options are one type then. */
export function defineCommand<const O extends Options>(definition: CommandDefinition<O>): Command {
  return definition as Command;
}

/** The answer as JSON or as text, of which nothing can steer a terminal; the exit code of what is done. */
export function print(answer: object, text: string, { json, context }: Session): number {
  const lines = (): string => text.split("\n").map(printable).join("\n");
  context.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : lines());
  return EXIT.done;
}

/** Runs what takes a while with a line that shows how far it is. */
export function progressing<T>(
  { context }: Session,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  return withProgress(context, work);
}

/** Where the admin interfaces have a user. */
export function registrationPath(impu: string): string {
  return `/registrations/${encodeURIComponent(impu)}`;
}
