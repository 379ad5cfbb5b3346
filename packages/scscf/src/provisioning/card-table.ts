// A table of SIM cards as PyHSS and Open5GS users keep it: a header line, then IMSI, Ki, OPc or OP, AMF, SQN, MSISDN. TS 23.003 §2.2, §3.3, §13.
import type { Sqn } from "@ims-lab/common/ims/sqn";
import type { ImportEntries, Line } from "./import-lines.ts";

/** Other names of the columns. */
const ALIASES: Readonly<Record<string, string>> = { k: "ki", key: "ki" };
const COLUMNS: ReadonlySet<string> = new Set(["imsi", "ki", "opc", "op", "amf", "sqn", "msisdn"]);
const HEAD = "a header with imsi, ki and opc or op; amf, sqn and msisdn as you like";
/** What it is, for whoever has written something else. */
export const CARD_TABLE: string = `a table that begins with ${HEAD}`;
const SQN_END = 2 ** 48;

const NAMES: Readonly<Record<string, string>> = {
  "": "opc, op",
  auth: "opc, op",
  "auth.k": "ki",
  "auth.opc": "opc",
  "auth.op": "op",
  "auth.amf": "amf",
};

export function isCardTable({ text }: Line): boolean {
  return cellsOf(text, separatorOf(text))?.some((cell) => columnOf(cell) === "imsi") === true;
}

/** @returns columns that mean nothing here */
export function readCardTable(
  [head, ...lines]: readonly Line[],
  domain: string,
  into: ImportEntries,
): readonly string[] {
  if (head === undefined) return [];
  const separator = separatorOf(head.text);
  const columns = (cellsOf(head.text, separator) ?? []).map(columnOf);
  const has = (column: string): boolean => columns.includes(column);
  if (!has("imsi") || !has("ki") || !(has("opc") || has("op"))) {
    into.wrong(head.number, `expected ${HEAD}`);
    return [];
  }
  const twice = columns.find((column, at) => COLUMNS.has(column) && columns.indexOf(column) < at);
  if (twice !== undefined) {
    into.wrong(head.number, `${twice} twice, expected each column once`);
    return [];
  }
  for (const { number, text } of lines) {
    const cells = cellsOf(text, separator);
    if (cells === undefined) into.wrong(number, "a quotation mark too few or too many");
    else if (cells.length === columns.length)
      readCard(
        new Map(columns.map((column, at) => [column, cells[at] ?? ""])),
        number,
        domain,
        into,
      );
    else into.wrong(number, `${cells.length} columns, expected ${columns.length} as in the header`);
  }
  return columns.filter((column) => !COLUMNS.has(column));
}

function readCard(
  cells: ReadonlyMap<string, string>,
  line: number,
  domain: string,
  into: ImportEntries,
): void {
  const imsi = cells.get("imsi") ?? "";
  const msisdn = cells.get("msisdn") ?? "";
  const sqn = sqnOf(cells.get("sqn") ?? "");
  if (!/^\d{6,15}$/.test(imsi)) into.wrong(line, `imsi: ${shown(imsi)}, expected 6 to 15 digits`);
  else if (!/^(\+?\d{3,15})?$/.test(msisdn))
    into.wrong(line, `msisdn: ${shown(msisdn)}, expected 3 to 15 digits, or none`);
  else if (sqn === "wrong")
    into.wrong(
      line,
      `sqn: ${shown(cells.get("sqn") ?? "")}, expected a number below 2^48, or none`,
    );
  else {
    // TS 23.003 §13.4B: the identity that an IMSI makes; §13.4 a number's.
    const impus = [`sip:${imsi}@${domain}`];
    if (msisdn !== "") impus.push(`tel:+${msisdn.replace(/^\+/, "")}`);
    const auth = { scheme: "aka", ...keysOf(cells) };
    const entry = { impi: `${imsi}@${domain}`, impus, auth };
    const nameOf = (path: string): string => NAMES[path] ?? path;
    into.add(entry, line, { nameOf, ...(sqn !== undefined && { sqn }) });
  }
}

/** Spaces between the digits, as some pages show them, do not count. */
function keysOf(cells: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [column, key] of [
    ["ki", "k"],
    ["opc", "opc"],
    ["op", "op"],
    ["amf", "amf"],
  ] as const) {
    const digits = (cells.get(column) ?? "").replaceAll(" ", "");
    if (digits !== "") found[key] = digits;
  }
  return found;
}

function sqnOf(text: string): Sqn | undefined | "wrong" {
  if (text === "") return undefined;
  return /^\d{1,15}$/.test(text) && Number(text) < SQN_END ? Number(text) : "wrong";
}

function columnOf(cell: string): string {
  const name = cell.trim().toLowerCase();
  return ALIASES[name] ?? name;
}

function shown(cell: string): string {
  return JSON.stringify(cell.slice(0, 40));
}

function separatorOf(head: string): string {
  return [",", ";", "\t"].find((one) => head.includes(one)) ?? ",";
}

/** RFC 4180, a line at a time; undefined where quotation marks do not close. */
function cellsOf(text: string, separator: string): readonly string[] | undefined {
  if (!text.includes('"')) return text.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  let at = 0;
  while (at <= text.length) {
    const quoted = /^ *"((?:[^"]|"")*)" */.exec(text.slice(at));
    const end = quoted === null ? endOf(text, separator, at) : at + quoted[0].length;
    if (quoted !== null && end < text.length && text[end] !== separator) return undefined;
    const cell = quoted === null ? text.slice(at, end) : (quoted[1] ?? "").replaceAll('""', '"');
    if (quoted === null && cell.includes('"')) return undefined;
    cells.push(cell.trim());
    at = end + 1;
  }
  return cells;
}

function endOf(text: string, separator: string, from: number): number {
  const found = text.indexOf(separator, from);
  return found < 0 ? text.length : found;
}
