// One line of the ladder per message: time, arrow between the columns, method or status, what matters.
import { headline, highlights } from "./highlights.ts";
import type { Place, SeenMessage } from "./sightings.ts";

const COLUMNS: readonly Place[] = ["UE", "P-CSCF", "S-CSCF"];
const GAP = 12;

/** `clock` gives wall-clock text; colours only where the terminal has them. */
export function ladderLine(seen: SeenMessage, step: string, colour: boolean): string {
  const what = headline(seen.message);
  const matters = highlights(seen.message);
  const tail = matters === "" ? "" : paint(colour, 2, `  ${matters}`);
  const code = seen.message.kind === "request" ? 36 : seen.message.status < 300 ? 32 : 33;
  return `${timeOf(seen.at)} ${step.padEnd(7)} ${arrow(seen.from, seen.to)}  ${paint(colour, code, what)}${tail}`;
}

export function ladderHead(): string {
  const names = COLUMNS.map((name) => name.padEnd(GAP)).join("");
  return `${" ".repeat(21)}${names.trimEnd()}`;
}

function timeOf(at: number): string {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  }).format(at);
}

/** `│──────────►│           │` with the head at the receiver's column; strangers stand on the left. */
function arrow(from: Place, to: Place): string {
  const [start, end] = [columnOf(from), columnOf(to)];
  const [left, right] = [Math.min(start, end), Math.max(start, end)];
  let line = "";
  for (let column = 0; column < COLUMNS.length; column++) {
    line += "│";
    if (column === COLUMNS.length - 1) break;
    const inside = column >= left && column < right;
    line += inside ? shaft(column, start, end) : " ".repeat(GAP - 1);
  }
  const name = from === "stranger" || to === "stranger" ? " (stranger)" : "";
  return `${line}${name}`;
}

function columnOf(place: Place): number {
  return place === "stranger" ? 0 : COLUMNS.indexOf(place);
}

function shaft(column: number, start: number, end: number): string {
  const dashes = "─".repeat(GAP - 2);
  if (end > start) return column === end - 1 ? `${dashes}►` : `${dashes}─`;
  return column === end ? `◄${dashes}` : `─${dashes}`;
}

export function paint(colour: boolean, code: number, text: string): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}
