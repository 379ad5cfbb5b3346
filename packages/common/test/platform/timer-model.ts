// Timers as a plain sorted list, and what tests do to it and to the real thing at once.
import fc from "fast-check";
import type { Timer } from "../../src/platform/clock.ts";

/** What a test or a firing timer does: starts one (which itself does things), or cancels one. */
type Action =
  | { readonly kind: "start"; readonly ms: number; readonly then: readonly Action[] }
  /** Of all that were ever started, counted from the last; fired and cancelled ones too. */
  | { readonly kind: "cancel"; readonly back: number };

/** Either side of the comparison: starts a timer and hands out what cancels it. */
export type Start = (ms: number, fire: () => void) => Timer;

/** Runs actions on one side and writes down when each timer fires: `name@time`. */
export class Side {
  readonly fired: string[] = [];
  readonly #started: Timer[] = [];
  readonly #start: Start;
  readonly #now: () => number;

  constructor(start: Start, now: () => number) {
    this.#start = start;
    this.#now = now;
  }

  /** @param path names the timers: the model and the queue may start them in another order */
  run(actions: readonly Action[], path: string): void {
    for (const [at, action] of actions.entries()) {
      if (action.kind === "cancel") {
        this.#started.at(-1 - action.back)?.cancel();
        continue;
      }
      const name = `${path}.${at}`;
      const fire = (): void => {
        this.fired.push(`${name}@${this.#now()}`);
        this.run(action.then, name);
      };
      this.#started.push(this.#start(action.ms, fire));
    }
  }
}

interface Step {
  readonly actions: readonly Action[];
  /** Milliseconds, after the actions. */
  readonly advance: number;
}

interface Row {
  readonly ms: number;
  readonly due: number;
  readonly fire: () => void;
}

/** Always the one that is due first, of two the one that was started first. */
export class SortedList {
  now = 0;
  /** Two of different lengths at one instant: their order is not promised. */
  hasTie = false;
  #rows: readonly Row[] = [];

  readonly start: Start = (ms, fire) => {
    const row = { ms, due: this.now + ms, fire };
    // Behind those of the same instant.
    this.#rows = [...this.#rows, row].sort((a, b) => a.due - b.due);
    return { cancel: () => this.#remove(row) };
  };

  advance(ms: number): void {
    const end = this.now + ms;
    for (let [next] = this.#rows; next !== undefined && next.due <= end; [next] = this.#rows) {
      const { due, fire, ms: length } = next;
      if (this.#rows.some((other) => other.due === due && other.ms !== length)) this.hasTie = true;
      this.#remove(next);
      this.now = due;
      fire();
    }
    this.now = end;
  }

  #remove(row: Row): void {
    this.#rows = this.#rows.filter((other) => other !== row);
  }
}

const cancel = fc.record({ kind: fc.constant("cancel" as const), back: fc.nat({ max: 5 }) });
const start = (then: fc.Arbitrary<readonly Action[]>): fc.Arbitrary<Action> =>
  fc.record({ kind: fc.constant("start" as const), ms: fc.constantFrom(500, 1000, 4000), then });
const leaf = fc.oneof(start(fc.constant([])), cancel);
const twig = fc.oneof(start(fc.array(leaf, { maxLength: 3 })), cancel);
const branch = fc.oneof(start(fc.array(twig, { maxLength: 3 })), cancel);
/** Ends when nothing is left. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.record({
      actions: fc.array(branch, { maxLength: 5 }),
      advance: fc.integer({ min: 0, max: 5000 }),
    }),
    { maxLength: 10 },
  )
  .map((plan) => [...plan, { actions: [], advance: 100_000 }]);
