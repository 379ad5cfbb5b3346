// An import as text: which format it is in, its subscribers, and everything that is wrong with it. docs/operations.md.
import type { ImportFormat, ImportMistake } from "@ims-lab/common/admin-api/views";
import { CARD_TABLE, isCardTable, readCardTable } from "./card-table.ts";
import {
  ImportEntries,
  type ImportedEntry,
  type Line,
  LONGEST_LINE,
  linesOf,
} from "./import-lines.ts";
import { readSippCsv, SIPP_HEAD } from "./sipp-csv.ts";
import { readYamlList } from "./yaml-list.ts";

/** Octets; longer is refused before it is read. */
export const LONGEST_IMPORT: number = 16 * 1024 * 1024;
/** Characters: YAML takes a hundred times the room of a table while it is read. */
const LONGEST_YAML: number = 2 * 1024 * 1024;

export interface ImportText {
  readonly text: string;
  /** Undefined: by what its first line looks like. */
  readonly format: ImportFormat | undefined;
  /** Of subscribers whose line names none. */
  readonly domain: string;
}

export interface ImportRead {
  readonly format: ImportFormat;
  /** In the order of the file; good for nothing where there are mistakes. */
  readonly entries: readonly ImportedEntry[];
  /** The first of them. */
  readonly mistakes: readonly ImportMistake[];
  readonly mistakeCount: number;
  readonly unusedColumns: readonly string[];
}

/** The one that is asked for, or that it looks like. */
export function formatOfImport({ text, format }: ImportText): ImportFormat {
  return format ?? formatOf(text, linesOf(text.slice(0, LONGEST_LINE))[0]?.text ?? "");
}

export function readImport(imported: ImportText): ImportRead {
  const { text, format: given, domain } = imported;
  const body = text.replace(/^\uFEFF/, "");
  const into = new ImportEntries();
  const lines = linesOf(body);
  const format = formatOfImport(imported);
  const unusedColumns =
    format === "yaml" ? readYaml(body, given, into) : readLines(lines, format, domain, into);
  const { entries } = into;
  if (entries.length === 0 && into.mistakeCount === 0)
    into.wrong(1, "expected at least one subscriber");
  const mistakes = into.mistakes.toSorted((a, b) => a.line - b.line);
  return { format, entries, mistakes, mistakeCount: into.mistakeCount, unusedColumns };
}

function readYaml(
  body: string,
  given: ImportFormat | undefined,
  into: ImportEntries,
): readonly string[] {
  const others = given === undefined ? `; or ${CARD_TABLE}; or SIPp's injection file` : "";
  if (body.length <= LONGEST_YAML) readYamlList(body, into, others);
  else
    into.wrong(
      1,
      `${body.length} characters of YAML, expected at most ${LONGEST_YAML}: use a table`,
    );
  return [];
}

function readLines(
  lines: readonly Line[],
  format: "sipp" | "table",
  domain: string,
  into: ImportEntries,
): readonly string[] {
  const [head] = lines;
  if (head === undefined || !into.bounds(lines.slice(1))) return [];
  if (format === "table") return readCardTable(lines, domain, into);
  readSippCsv(SIPP_HEAD.test(head.text) ? lines : [HEADLESS, ...lines], into);
  return [];
}

const HEADLESS = { number: 0, text: "SEQUENTIAL" };

function formatOf(text: string, head: string): ImportFormat {
  if (SIPP_HEAD.test(head) || /;\s*\[authentication\s/.test(text.slice(0, 4096))) return "sipp";
  return isCardTable({ number: 1, text: head }) ? "table" : "yaml";
}
