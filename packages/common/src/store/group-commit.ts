// Commits written together: those of one turn of the event loop, or of a few milliseconds while a write is under way.
import type { Clock, NextTurn, Timer } from "../platform/clock.ts";
import type { RowChange, TableFormats } from "./rows.ts";

/** Table, id, text or null for a removal; then the next row. */
export type FlatRows = readonly (string | null)[];

/** Which rows of a batch are whose. */
export interface BatchParts {
  /** One per row. */
  readonly tags: readonly string[];
  /** One per commit: how many rows there are up to its end. */
  readonly ends: readonly number[];
}

/** @param problemOf of one commit, by its number, where the others have succeeded */
export type WriteDone = (
  problem?: Error,
  problemOf?: (commit: number) => Error | undefined,
) => void;

export interface GroupCommitOptions<Rows> {
  readonly tables: TableFormats<Rows>;
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  /** From the beginning of one write to that of the next, at least; milliseconds. */
  readonly spacingMs: number;
  /** What `write` is told of each row besides; absent: nothing. */
  tagOf?(change: RowChange<Rows>): string;
  /** All of the rows or none, or none of some commits; in this order; one write at a time. */
  write(rows: FlatRows, done: WriteDone, parts: BatchParts): void;
}

type Done = (problem?: Error) => void;

export class GroupCommit<Rows> {
  readonly #options: GroupCommitOptions<Rows>;
  #rows: (string | null)[] = [];
  #waiting: Done[] = [];
  #tags: string[] = [];
  #ends: number[] = [];
  #isWriting = false;
  #isPlanned = false;
  #timer: Timer | undefined;
  #notBefore = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<Rows>) {
    this.#options = options;
  }

  commit(changes: readonly RowChange<Rows>[], done: Done): void {
    const { tables, tagOf } = this.#options;
    for (const change of changes) {
      const { table, id, value } = change;
      this.#rows.push(
        table as string,
        id,
        value === undefined ? null : tables[table].write(value as Rows[keyof Rows]),
      );
      if (tagOf !== undefined) this.#tags.push(tagOf(change));
    }
    this.#waiting.push(done);
    if (tagOf !== undefined) this.#ends.push(this.#tags.length);
    this.#plan();
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    if (!this.#isWriting && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      // Nobody waits for more company.
      this.#timer?.cancel();
      if (!this.#isWriting) this.#write();
    });
  }

  #plan(): void {
    if (this.#isWriting || this.#isPlanned) return;
    const { clock, nextTurn } = this.#options;
    this.#isPlanned = true;
    const begin = (): void => this.#write();
    if (clock.now() < this.#notBefore) this.#timer = clock.at(this.#notBefore, begin);
    else nextTurn(begin);
  }

  #write(): void {
    const { clock, spacingMs, write } = this.#options;
    this.#isPlanned = false;
    // A write that was begun early has taken them.
    if (this.#isWriting || this.#waiting.length === 0) return;
    const rows = this.#rows;
    const answered = this.#waiting;
    const parts = { tags: this.#tags, ends: this.#ends };
    this.#rows = [];
    this.#waiting = [];
    this.#tags = [];
    this.#ends = [];
    this.#isWriting = true;
    this.#notBefore = clock.now() + spacingMs;
    const done: WriteDone = (problem, problemOf) => {
      let commit = 0;
      for (const one of answered) one(problem ?? problemOf?.(commit++));
      this.#isWriting = false;
      if (this.#waiting.length > 0) this.#planAgain();
      else this.#rest();
    };
    if (rows.length === 0) done();
    else write(rows, done, parts);
  }

  #planAgain(): void {
    if (this.#whenIdle.length > 0) this.#write();
    else this.#plan();
  }

  #rest(): void {
    const resolved = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of resolved) resolve();
  }
}
