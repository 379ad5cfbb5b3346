// A node's disk, which outlives its processes: rows are kept a moment after they were asked for, and said to be kept a moment later.
import type { Life } from "./life.ts";

/** The store port of any node. */
export interface RowStore<Change, Contents> {
  commit(changes: readonly Change[], done: (problem?: Error) => void): void;
  load(): Promise<Contents>;
  close(): Promise<void>;
}

/** Where a commit stands; a process may die at each. */
export type CommitPhase = "asked" | "kept" | "answered";

export interface DiskOptions<Change, Contents> {
  /** Empty, and without delay. */
  open(): RowStore<Change, Contents>;
  /** Whether the next process finds what this one has committed. */
  readonly isDurable: boolean;
  /** From the asking to the disk, and from there to the answer; milliseconds. */
  delayMs(): number;
}

export class SimulatedDisk<Change, Contents> {
  readonly #options: DiskOptions<Change, Contents>;
  #rows: RowStore<Change, Contents>;
  /** Commits fail from now on. */
  isFull = false;
  /** Told of every commit that is durable, before its process is. */
  onKept: (changes: readonly Change[]) => void = () => undefined;
  /** Told of every commit that fails. */
  onRefused: () => void = () => undefined;
  /** Told of every commit as it goes on; may end the process. */
  onPhase: (phase: CommitPhase) => void = () => undefined;

  constructor(options: DiskOptions<Change, Contents>) {
    this.#options = options;
    this.#rows = options.open();
  }

  get isDurable(): boolean {
    return this.#options.isDurable;
  }

  /** Everything that is kept, as the next process would find it. */
  load(): Promise<Contents> {
    return this.#rows.load();
  }

  /** The store of one process. */
  storeOf(life: Life): RowStore<Change, Contents> {
    if (!this.#options.isDurable) this.#rows = this.#options.open();
    const rows = this.#rows;
    let freeAt = 0;
    return {
      load: () => rows.load(),
      close: () => Promise.resolve(),
      commit: (changes, done) => {
        const keep = (): void => this.#keep(life, rows, changes, done);
        // In their order: none is kept before an earlier one.
        const due = Math.max(freeAt, life.now() + this.#options.delayMs());
        freeAt = due;
        this.onPhase("asked");
        if (due <= life.now()) keep();
        else life.at(due, keep);
      },
    };
  }

  #keep(
    life: Life,
    rows: RowStore<Change, Contents>,
    changes: readonly Change[],
    done: (problem?: Error) => void,
  ): void {
    if (!life.isAlive) return;
    const answer = (problem?: Error): void => {
      if (!life.isAlive) return;
      done(problem);
      this.onPhase("answered");
    };
    if (this.isFull) {
      this.onRefused();
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
