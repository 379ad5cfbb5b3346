// Progress on standard error, results on standard output.

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Columns as wide as what stands in them; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...all.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => pad(cell, widths[at] ?? 0)).join("  ");
  const rule = widths.map((width) => "-".repeat(width));
  return [headings, rule, ...rows].map((row) => `${line(row).trimEnd()}\n`).join("");
}

function pad(cell: string, width: number): string {
  return /^[\d.,]+$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
}
