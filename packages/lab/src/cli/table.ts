// Text for a terminal: tables, durations, nothing that could steer the terminal.
import { printable } from "@ims-lab/common/platform/printable";
import { wrapped } from "../terminal.ts";

/**
 * Columns as wide as their widest cell; the first row is the heading. Where that is wider than the terminal, each row
 * is a paragraph, with its first cell in one piece.
 */
export function table(rows: readonly (readonly string[])[], width: number): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map((row) => row[column]?.length ?? 0)),
  );
  const lines = clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const fits = lines.every((line) => line.length <= width);
  return `${(fits ? lines : paragraphs(clean, width)).join("\n")}\n`;
}

function paragraphs(
  [heading = [], ...rows]: readonly (readonly string[])[],
  width: number,
): string[] {
  return rows.flatMap(([first = "", ...cells]) => {
    const named = cells.flatMap((cell, at) => (cell === "" ? [] : `${heading[at + 1]} ${cell}`));
    return [first, ...wrapped(`  ${named.join(", ")}`, width, 2)];
  });
}

/** Time left: "59 s", "12 min", "3 h", "8 d"; "over" when it has passed. */
export function timeLeft(at: number | null, now: number): string {
  if (at === null) return "-";
  const seconds = Math.ceil((at - now) / 1000);
  return seconds <= 0 ? "over" : durationText(seconds);
}

/** "59 s", "12 min", "3 h", "8 d" */
export function durationText(length: number): string {
  const seconds = Math.ceil(length);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Time gone by: "12 s ago". */
export function timeAgo(at: number | null, now: number): string {
  return at === null ? "-" : `${timeLeft(2 * now - at + 1, now).replace("over", "0 s")} ago`;
}
