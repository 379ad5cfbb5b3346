// A log that a test can read.
import type { LogFields, Logger, LogLevel } from "../platform/logger.ts";

export interface LoggedEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

export interface MemoryLogger extends Logger {
  readonly events: readonly LoggedEvent[];
  /** Fields of every event of this name, in order. */
  named(event: string): readonly LogFields[];
}

export function memoryLogger(): MemoryLogger {
  const events: LoggedEvent[] = [];
  return Object.assign(collecting(events, {}), {
    events,
    named: (event: string) =>
      events.filter((logged) => logged.event === event).map((logged) => logged.fields),
  });
}

function collecting(events: LoggedEvent[], always: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      events.push({ level, event, fields: { ...always, ...fields } });
    };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    enabled: () => true,
    child: (fields) => collecting(events, { ...always, ...fields }),
  };
}
