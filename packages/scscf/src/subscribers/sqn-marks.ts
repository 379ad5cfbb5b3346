// Marks of the AuC's sequence numbers, kept so that none repeats after a crash. TS 33.102 annex C.
import type { Sqn } from "@ims-lab/common/ims/sqn";
import type { Change } from "../rows.ts";

/** The highest SQN that may have been used, per IMPI. */
export interface SqnMarks {
  get(impi: string): Sqn | undefined;
  put(impi: string, mark: Sqn): void;
}

export function memorySqnMarks(): SqnMarks {
  const marks = new Map<string, Sqn>();
  return {
    get: (impi) => marks.get(impi),
    put: (impi, mark) => {
      marks.set(impi, mark);
    },
  };
}

/** Marks whose rows go with the commit that comes before the challenge leaves. */
export class SqnMarkTable implements SqnMarks {
  readonly #marks = new Map<string, Sqn>();
  readonly #unsaved = new Map<string, Sqn>();

  get(impi: string): Sqn | undefined {
    return this.#marks.get(impi);
  }

  put(impi: string, mark: Sqn): void {
    this.#marks.set(impi, mark);
    this.#unsaved.set(impi, mark);
  }

  /** The row that must be durable before the user is challenged; none while the last one covers the numbers. */
  unsaved(impi: string): readonly Change[] {
    if (this.#unsaved.size === 0) return NO_ROWS;
    const value = this.#unsaved.get(impi);
    return value === undefined ? NO_ROWS : [{ table: "sqnMarks", id: impi, value }];
  }

  /** These rows are durable. */
  saved(rows: readonly Change[]): void {
    for (const { id, value } of rows) if (this.#unsaved.get(id) === value) this.#unsaved.delete(id);
  }

  /** Another node has the user. */
  drop(impi: string): void {
    this.#marks.delete(impi);
    this.#unsaved.delete(impi);
  }

  restore(impi: string, mark: Sqn): void {
    this.#marks.set(impi, mark);
  }
}

const NO_ROWS: readonly Change[] = [];
