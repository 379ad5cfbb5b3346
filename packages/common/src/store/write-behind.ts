// Changes that have happened and must become durable: each is tried until it is, its latest value only.
import type { Clock, Timer } from "../platform/clock.ts";
import type { RowChange } from "./rows.ts";
import type { RowStore } from "./store.ts";
import type { StoreLog } from "./store-log.ts";

export interface WriteBehindOptions<Rows> {
  readonly store: RowStore<Rows>;
  readonly storeLog: StoreLog;
  readonly clock: Clock;
}

/** How long a store that has failed is left alone. */
const RETRY_MS = 1000;

export class WriteBehind<Rows> {
  readonly #options: WriteBehindOptions<Rows>;
  /** By table and id: not durable yet. */
  readonly #unsaved = new Map<string, RowChange<Rows>>();
  #problem: Error | undefined;
  #retry: Timer | undefined;
  /** What waits for the store to work again. */
  #waiting: (() => void)[] = [];

  constructor(options: WriteBehindOptions<Rows>) {
    this.#options = options;
  }

  put(change: RowChange<Rows>): void {
    this.#unsaved.set(keyOf(change), change);
    this.#commit([change]);
  }

  /**
   * Calls `then` when all that was put until now is durable; with a problem when something of it is not. After a failure
   * whoever waits has everything tried at once, so that the first after it is served as soon as the store works.
   */
  whenDurable(then: (problem?: Error) => void): void {
    if (this.#unsaved.size === 0) then();
    else if (this.#problem !== undefined) this.#commit([...this.#unsaved.values()], then);
    else this.#options.store.commit([], (problem) => then(problem ?? this.#problem));
  }

  /** Calls `then` when all that was put until now is durable, however long that takes. */
  onceDurable(then: () => void): void {
    this.whenDurable((problem) => {
      if (problem === undefined) {
        then();
        return;
      }
      this.#waiting.push(then);
      this.#failed(problem);
    });
  }

  close(): void {
    this.#retry?.cancel();
  }

  /** Everything once more, and then whoever waited for it. */
  #tryAgain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#commit([...this.#unsaved.values()], (problem) => {
      if (problem !== undefined) this.#waiting = [...waiting, ...this.#waiting];
      else for (const then of waiting) then();
    });
  }

  #commit(changes: readonly RowChange<Rows>[], then?: (problem?: Error) => void): void {
    const { store, storeLog } = this.#options;
    store.commit(changes, (problem) => {
      if (problem !== undefined) {
        storeLog.failed(problem);
        this.#failed(problem);
        then?.(problem);
        return;
      }
      storeLog.worked();
      for (const change of changes) {
        const key = keyOf(change);
        // A later value is on its way.
        if (this.#unsaved.get(key) === change) this.#unsaved.delete(key);
      }
      if (this.#unsaved.size === 0) this.#problem = undefined;
      then?.();
    });
  }

  #failed(problem: Error): void {
    this.#problem = problem;
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      if (this.#unsaved.size + this.#waiting.length > 0) this.#tryAgain();
    });
  }
}

function keyOf<Rows>({ table, id }: RowChange<Rows>): string {
  return `${String(table)} ${id}`;
}
