// The log: named events on standard output, as JSON lines or as text. Only plain values get in: no object, no secret.
import { pino } from "pino";
import type { Clock } from "./clock.ts";
import type { GatheredOutput } from "./gathered-output.ts";
import { logText } from "./log-text.ts";
import { oneOf, type SchemaOf } from "./settings.ts";

/** What an event may carry; secrets are of type `Secret`, which is not among them. */
export type LogValue = string | number | boolean | null | undefined | readonly string[] | Error;
export type LogFields = Readonly<Record<string, LogValue>>;

/** `error` is for our own faults; what a peer or operator should look at is `warn`. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
const logFormats = ["json", "text"] as const;

/** `event` is a fixed name such as "registration.bound"; what varies goes into the fields. */
export interface Logger {
  trace(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Ask before collecting fields that cost something. */
  enabled(level: LogLevel): boolean;
  /** The same log, with these fields in every event. */
  child(fields: LogFields): Logger;
}

/** The root of a process's log. */
export interface RootLogger extends Logger {
  /** Writes out what is buffered, within 200 ms; wait for it before the process exits. */
  flush(): Promise<void>;
}

export interface LogSettings {
  readonly level: (typeof logLevels)[number];
  /** Not given: JSON. */
  readonly format?: (typeof logFormats)[number];
}

export const logSettings: SchemaOf<LogSettings> = {
  level: oneOf({ doc: "Least important events to log.", words: logLevels, default: "info" }),
  format: oneOf({ doc: "JSON for programs, text for people.", words: logFormats, default: "json" }),
};

/** A second line of defence: fields of these names are never written, whatever they hold. */
const NEVER_LOGGED = ["k", "op", "opc", "ik", "ck", "password", "token", "authorization"];

/** What pino and its children have in common, as far as the log needs it. */
interface Sink {
  trace(fields: LogFields, event: string): void;
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
  isLevelEnabled(level: string): boolean;
  child(fields: LogFields): Sink;
}

/** JSON lines `{ level, time, node, event, … }`, or the same as text; written behind the caller's back, in order. */
export function createLogger(options: {
  readonly node: string;
  readonly settings: LogSettings;
  readonly clock: Clock;
  readonly output: GatheredOutput;
}): RootLogger {
  const { output, settings } = options;
  const write =
    settings.format === "text" ? (line: string) => output.write(logText(line)) : output.write;
  const sink = pino(
    {
      level: settings.level,
      base: { node: options.node },
      messageKey: "event",
      redact: { paths: NEVER_LOGGED, censor: "[secret]" },
      formatters: { level: (level) => ({ level }), log: clipped },
      timestamp: () => `,"time":${Math.floor(options.clock.now())}`,
      serializers: { error: pino.stdSerializers.err },
    },
    { write },
  );
  return { ...onto(sink), flush: output.flush };
}

/** Longer texts are a peer's doing: nobody reads them, and they fill the disk. */
const LONGEST_TEXT = 1_000;

function clipped(fields: Record<string, unknown>): Record<string, unknown> {
  for (const each in fields) {
    const value = fields[each];
    if (!isLong(value) && !isFraction(value)) continue;
    return Object.fromEntries(
      Object.entries(fields).map(([name, each]) => [name, clip(name, each)]),
    );
  }
  return fields;
}

function isLong(value: unknown): value is string {
  return typeof value === "string" && value.length > LONGEST_TEXT;
}

function isFraction(value: unknown): value is number {
  return typeof value === "number" && !Number.isInteger(value);
}

/** Clocks count parts of milliseconds; in a log they are noise. */
function clip(name: string, value: unknown): unknown {
  if (isFraction(value)) return /(At|Ms)$/.test(name) ? Math.round(value) : value;
  if (!isLong(value)) return value;
  return `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)`;
}

function onto(sink: Sink): Logger {
  return {
    trace: (event, fields = {}) => sink.trace(fields, event),
    debug: (event, fields = {}) => sink.debug(fields, event),
    info: (event, fields = {}) => sink.info(fields, event),
    warn: (event, fields = {}) => sink.warn(fields, event),
    error: (event, fields = {}) => sink.error(fields, event),
    enabled: (level) => sink.isLevelEnabled(level),
    child: (fields) => onto(sink.child(fields)),
  };
}

/** Logs nothing. */
export const nullLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  enabled: () => false,
  child: () => nullLogger,
};
