// The table that `--help` prints: generated from the schema, so that it cannot be wrong.
import type { Leaf } from "./leaves.ts";

interface Helped {
  readonly node: string;
  readonly presets?: {
    readonly key: string;
    readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

export function helpText(settings: Helped, leaves: ReadonlyMap<string, Leaf>): string {
  const rows = [...leaves].map(([key, { setting, env }]) => [
    `--${key}`,
    env,
    defaultText(settings, key, setting.default),
    `${setting.doc} (${setting.allowed})`,
  ]);
  const own = [
    ["--config FILE", "", "", "Settings as YAML, nested as their names say."],
    ["--help", "", "", "Print this table."],
    ["--version", "", "", "Print the version."],
  ];
  const table = aligned([["option", "environment", "default", "meaning"], ...rows, ...own]);
  return `${settings.node.toLowerCase()}: a file overrides the defaults, the environment the file, \
the command line all. Lists are comma-separated.\n\n${table}\n`;
}

function defaultText({ presets }: Helped, key: string, written: unknown): string {
  const profiles = Object.entries(presets?.values ?? {});
  if (!profiles.some(([, values]) => key in values)) return valueText(written);
  return profiles
    .map(([name, values]) => `${valueText(key in values ? values[key] : written)} (${name})`)
    .join(", ");
}

function valueText(written: unknown): string {
  if (written === undefined || (Array.isArray(written) && written.length === 0)) return "-";
  return Array.isArray(written) ? written.join(",") : String(written);
}

/** Columns as wide as their widest cell, the last one as it comes. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
