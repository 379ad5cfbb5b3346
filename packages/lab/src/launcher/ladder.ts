// One ladder line per message: time, figure, device, arrow between the columns, method or status, telling values.
import { printable } from "@ims-lab/common/platform/printable";
import { cut, cutStart, paint } from "../terminal.ts";
import { headline, highlights } from "./highlights.ts";
import type { LadderMessage, Participant } from "./message-correlator.ts";

const COLUMNS: readonly Participant[] = ["UE", "P-CSCF", "S-CSCF"];

/** Where a line is printed. */
export interface LineFormat {
  readonly width: number;
  readonly colour: boolean;
}

/** The ladder's columns: what a wider terminal has more goes to all of them. */
interface Layout {
  readonly time: number;
  readonly step: number;
  readonly who: number;
  /** From one node's column to the next. */
  readonly gap: number;
  readonly text: number;
}

function layoutOf(width: number): Layout {
  const more = Math.max(width - 80, 0);
  const time = width < 72 ? 8 : 12;
  const who = width < 60 ? 10 : 12 + Math.min(12, Math.floor(more / 6));
  const gap = width < 60 ? 4 : 5 + Math.min(7, Math.floor(more / 10));
  const step = 4;
  const arrows = 2 * gap + 1;
  return { time, step, who, gap, text: Math.max(width - time - step - who - arrows - 4, 1) };
}

/** @param who the device, as it is called */
export function ladderLine(
  seen: LadderMessage,
  { step, who, colour }: { readonly step: string; readonly who: string; readonly colour: number },
  format: LineFormat,
): string {
  const layout = layoutOf(format.width);
  const time = timeOf(seen.at).slice(0, layout.time);
  const name = cutStart(printable(who), layout.who).padEnd(layout.who);
  const [head, tail] = textOf(seen, layout.text);
  const code = seen.message.kind === "request" ? 36 : seen.message.status < 300 ? 32 : 33;
  const text = `${paint(format.colour, code, head)}${paint(format.colour, 2, tail)}`;
  const arrows = arrow(seen.from, seen.to, layout.gap);
  return `${time} ${step.padEnd(layout.step)} ${paint(format.colour, colour, name)} ${arrows} ${text}`;
}

/** Each name above its column. */
export function ladderHead(width: number): string {
  const { time, step, who, gap } = layoutOf(width);
  let names = "";
  for (const [column, name] of COLUMNS.entries()) {
    const start = column === 0 ? 0 : Math.max(names.length + 1, column * gap - 2);
    names = names.padEnd(start) + name;
  }
  return `${" ".repeat(time + step + who + 3)}${names}`;
}

/** As much as there is room for: first without URI and reason phrase, then cut. */
function textOf({ message }: LadderMessage, room: number): readonly [head: string, tail: string] {
  for (const detail of ["full", "short"] as const) {
    const head = printable(headline(message, detail));
    const matters = printable(highlights(message, detail));
    const tail = matters === "" ? "" : `  ${matters}`;
    if (head.length + tail.length <= room) return [head, tail];
    if (detail === "short") return [cut(head, room), cut(tail.slice(1), room - head.length)];
  }
  return ["", ""];
}

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

function timeOf(at: number): string {
  return CLOCK.format(at);
}

/** `│──────────►│           │` with the head at the receiver's column; devices stand on the left. */
function arrow(from: Participant, to: Participant, gap: number): string {
  const [start, end] = [columnOf(from), columnOf(to)];
  const [left, right] = [Math.min(start, end), Math.max(start, end)];
  let line = "";
  for (let column = 0; column < COLUMNS.length; column++) {
    line += "│";
    if (column === COLUMNS.length - 1) break;
    const inside = column >= left && column < right;
    line += inside ? shaft(column, start, end, gap) : " ".repeat(gap - 1);
  }
  return line;
}

function columnOf(place: Participant): number {
  return place === "stranger" ? 0 : COLUMNS.indexOf(place);
}

function shaft(column: number, start: number, end: number, gap: number): string {
  const dashes = "─".repeat(gap - 2);
  if (end > start) return column === end - 1 ? `${dashes}►` : `${dashes}─`;
  return column === end ? `◄${dashes}` : `─${dashes}`;
}
