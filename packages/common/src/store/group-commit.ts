// Commits written together: those of one turn of the event loop, or of a few milliseconds while a write is under way.
import type { Clock, NextTurn, Timer } from "../platform/clock.ts";
import type { RowChange, TableFormats } from "./rows.ts";

/** Table, id, text or null for a removal; then the next row. */
export type FlatRows = readonly (string | null)[];

export interface GroupCommitOptions<Rows> {
  readonly tables: TableFormats<Rows>;
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  /** From the beginning of one write to that of the next, at least; milliseconds. */
  readonly spacingMs: number;
  /** All of the rows or none, in this order; one write at a time. */
  write(rows: FlatRows, done: (problem?: Error) => void): void;
}

type Done = (problem?: Error) => void;

export class GroupCommit<Rows> {
  readonly #options: GroupCommitOptions<Rows>;
  #rows: (string | null)[] = [];
  #waiting: Done[] = [];
  #isWriting = false;
  #isPlanned = false;
  #timer: Timer | undefined;
  #notBefore = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<Rows>) {
    this.#options = options;
  }

  commit(changes: readonly RowChange<Rows>[], done: Done): void {
    const { tables } = this.#options;
    for (const { table, id, value } of changes)
      this.#rows.push(
        table as string,
        id,
        value === undefined ? null : tables[table].write(value as Rows[keyof Rows]),
      );
    this.#waiting.push(done);
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
    this.#rows = [];
    this.#waiting = [];
    this.#isWriting = true;
    this.#notBefore = clock.now() + spacingMs;
    const done = (problem?: Error): void => {
      for (const one of answered) one(problem);
      this.#isWriting = false;
      if (this.#waiting.length > 0) this.#planAgain();
      else this.#rest();
    };
    if (rows.length === 0) done();
    else write(rows, done);
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
