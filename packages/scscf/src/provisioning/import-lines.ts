// Lines of an import, one subscriber each, and their mistakes: what every format has in common.
import type { ImportMistake } from "@ims-lab/common/admin-api/views";
import type { Sqn } from "@ims-lab/common/ims/sqn";
import { Place, type Yaml } from "../subscribers/checked-yaml.ts";
import { IDENTITY_KEYS, readRecord } from "../subscribers/read-subscribers.ts";
import { rowOfSubscriber, type SubscriberRow } from "../subscribers/subscriber-row.ts";

export const MOST_LINES = 100_000;
export const LONGEST_LINE = 4_096;
/** Mistakes that are named; more are counted. */
export const MOST_NAMED = 100;

/** Plain data, so that it can pass from one thread to another. */
export interface ImportedEntry {
  readonly impi: string;
  /** Where it begins. */
  readonly line: number;
  readonly row: SubscriberRow;
  readonly sqn?: Sqn;
}

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

const LF = 10;
const CR = 13;

/** Those that are not empty; of too many, one more than there may be beside a header. */
export function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let [number, from] = [1, 0];
  for (let at = 0; at <= text.length && lines.length <= MOST_LINES + 1; at++) {
    const code = at < text.length ? text.charCodeAt(at) : LF;
    if (code !== LF && code !== CR) continue;
    const line = at > from ? text.slice(from, at).trim() : "";
    if (line !== "") lines.push({ number, text: line });
    if (code === CR && text.charCodeAt(at + 1) === LF) at += 1;
    number += 1;
    from = at + 1;
  }
  return lines;
}

/** Takes entries as they are read; knows who is there twice. */
export class ImportEntries {
  readonly entries: ImportedEntry[] = [];
  readonly mistakes: ImportMistake[] = [];
  /** Of all, named or not. */
  mistakeCount = 0;
  readonly #lineOf = new Map<string, number>();

  wrong(line: number, why: string): undefined {
    this.mistakeCount += 1;
    if (this.mistakes.length < MOST_NAMED) this.mistakes.push({ line, why });
    return undefined;
  }

  /** Whether there may be so many, each of a length that a person could have written. */
  bounds(lines: readonly Line[]): boolean {
    const last = lines[MOST_LINES];
    if (last !== undefined) this.wrong(last.number, `expected at most ${MOST_LINES} subscribers`);
    for (const { number, text } of lines)
      if (text.length > LONGEST_LINE)
        this.wrong(number, `${text.length} characters, expected at most ${LONGEST_LINE}`);
    return this.mistakeCount === 0;
  }

  /**
   * An entry in the form of the subscribers file.
   * @param nameOf what its members are called in this format, by path
   * @param lineAt where a member stands, by path
   */
  add(
    entry: Yaml,
    line: number,
    {
      nameOf = (path) => path,
      lineAt = () => line,
      sqn,
    }: { nameOf?: (path: string) => string; lineAt?: (path: string) => number; sqn?: Sqn } = {},
  ): void {
    let at = line;
    const where = (path: string): string => {
      at = lineAt(path);
      return nameOf(path);
    };
    const before = this.mistakeCount;
    const sink = { push: (why: string) => this.wrong(at, why) };
    const members = new Place(where, "", entry, sink).members(IDENTITY_KEYS);
    const subscriber = members && readRecord(members);
    if (subscriber === undefined || this.mistakeCount > before) return;
    const { impi } = subscriber;
    const first = this.#lineOf.get(impi);
    if (first !== undefined) {
      this.wrong(line, `${impi} is in line ${first} already, expected each once`);
      return;
    }
    this.#lineOf.set(impi, line);
    const row = rowOfSubscriber(subscriber);
    this.entries.push({ impi, line, row, ...(sqn !== undefined && { sqn }) });
  }
}
