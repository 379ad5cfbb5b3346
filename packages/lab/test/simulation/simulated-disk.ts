// A node's disk, which outlives its processes: rows are kept a moment after they were asked for, and said to be kept a moment later.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { RowChange, RowsById } from "@ims-lab/common/store/rows";
import type { RowStore } from "@ims-lab/common/store/store";
import type { Life } from "./life.ts";

/** Where a commit stands; a process may die at each. */
export type CommitPhase = "asked" | "kept" | "answered";

export interface DiskOptions<Rows> {
  /** The world's: a disk is no part of the process. */
  readonly clock: Clock;
  /** Empty, and without delay. */
  open(): RowStore<Rows>;
  /** Whether the next process finds what this one has committed. */
  readonly isDurable: boolean;
  /** From the asking to the disk, and from there to the answer; milliseconds. */
  delayMs(): number;
}

export class SimulatedDisk<Rows> {
  readonly #options: DiskOptions<Rows>;
  #rows: RowStore<Rows>;
  #isFull = false;
  /** It has been full: what its node says of that is right. */
  wasFull = false;
  /** When it last refused a commit; 0: never. */
  refusedAt = 0;
  /** Told of every commit that is durable, before its process is. */
  onKept: (changes: readonly RowChange<Rows>[]) => void = () => undefined;
  /** Told of every commit as it goes on; may end the process. */
  onPhase: (phase: CommitPhase) => void = () => undefined;

  constructor(options: DiskOptions<Rows>) {
    this.#options = options;
    this.#rows = options.open();
  }

  get isDurable(): boolean {
    return this.#options.isDurable;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Commits fail from now on. */
  fill(): void {
    this.#isFull = true;
    this.wasFull = true;
  }

  clear(): void {
    this.#isFull = false;
  }

  /** Everything that is kept, as the next process would find it. */
  load(): Promise<RowsById<Rows>> {
    return this.#rows.load();
  }

  /** The store of one process. */
  storeOf(life: Life): RowStore<Rows> {
    if (!this.#options.isDurable) this.#rows = this.#options.open();
    const rows = this.#rows;
    const { clock } = this.#options;
    let freeAt = 0;
    return {
      load: () => rows.load(),
      close: () => Promise.resolve(),
      commit: (changes, done) => {
        const keep = (): void => this.#keep(life, rows, changes, done);
        // In their order: none is kept before an earlier one.
        const due = Math.max(freeAt, clock.now() + this.#options.delayMs());
        freeAt = due;
        this.onPhase("asked");
        if (due <= clock.now()) keep();
        else clock.at(due, keep);
      },
    };
  }

  #keep(
    life: Life,
    rows: RowStore<Rows>,
    changes: readonly RowChange<Rows>[],
    done: (problem?: Error) => void,
  ): void {
    if (!life.isAlive) return;
    const answer = (problem?: Error): void => {
      if (!life.isAlive) return;
      done(problem);
      this.onPhase("answered");
    };
    if (this.#isFull) {
      this.refusedAt = this.#options.clock.now();
      answer(new Error("no space left on device"));
      return;
    }
    rows.commit(changes, (problem) => {
      this.onKept(changes);
      this.onPhase("kept");
      answer(problem);
    });
  }
}
