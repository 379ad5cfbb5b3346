// A line of the log for people: `2026-11-28T01:37:57.731Z registration.bound info scscf impi=bob@ims.example …`.
import { isoTime } from "./clock.ts";
import { printable } from "./printable.ts";

/** @param json one line as it was logged; anything else is shown as it is, without what could steer a terminal */
export function logText(json: string): string {
  const line = json.trimEnd();
  const fields = line.startsWith("{") ? parsed(line) : undefined;
  if (fields === undefined) return `${printable(line)}\n`;
  const { level, time, node, event, ...others } = fields;
  const when = typeof time === "number" ? isoTime(time) : String(time);
  const rest = Object.entries(others).map(([name, value]) => `${name}=${shown(value)}`);
  const words = [when, event, level, node, ...rest].filter((word) => word !== undefined);
  return `${printable(words.map(String).join(" "))}\n`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** Quoted where the end would not be seen. */
function shown(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return /^[^\s"=,]+$/.test(value) ? value : JSON.stringify(value);
}
