// Terminal width, colours (NO_COLOR, FORCE_COLOR, TERM), and text that fits.

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal, as it is now. */
  readonly columns?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const USUAL_COLUMNS = 80;
const FEWEST_COLUMNS = 40;

/** The terminal's own width counts, then COLUMNS, then 80. */
export function widthOf({ columns }: Pick<Terminal, "columns">, env: Environment): number {
  const width = columns ?? (/^\d{1,5}$/.test(env["COLUMNS"] ?? "") ? Number(env["COLUMNS"]) : 0);
  return width === 0 ? USUAL_COLUMNS : Math.max(width, FEWEST_COLUMNS);
}

/** https://no-color.org and https://force-color.org: an empty variable is none. */
export function hasColours({ isTTY }: Pick<Terminal, "isTTY">, env: Environment): boolean {
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** `text` must be printable: one column a character. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? "" : `${text.slice(0, width - 1)}…`;
}

/** Devices differ in the end of their address: its beginning is cut. */
export function cutStart(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

/** Lines no longer than `width`, broken at blanks; `indent` columns before all but the first. */
export function wrapped(text: string, width: number, indent: number): readonly string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  for (const word of text.trimStart().split(" ")) {
    let rest = word;
    if (line.trim() !== "" && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = " ".repeat(indent);
    } else if (line.trim() !== "") rest = ` ${rest}`;
    while (line.length + rest.length > width) {
      const room = width - line.length;
      lines.push(line + rest.slice(0, room));
      rest = rest.slice(room);
      line = " ".repeat(indent);
    }
    line += rest;
  }
  return [...lines, line];
}

export function paint(colour: boolean, code: number, text: string): string {
  return colour && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text;
}
