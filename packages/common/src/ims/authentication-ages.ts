// Devices whose authentication grows too old: their due times over one timer, and the asking at a pace. TS 24.229 §5.4.1.6.
import type { Clock } from "../platform/clock.ts";
import { Deadlines } from "../platform/deadlines.ts";
import { PacedWork, type PieceOfWork } from "../platform/paced-work.ts";

export interface AuthenticationAgesOptions {
  readonly clock: Clock;
  /** When the authentication of this binding is too old, milliseconds since the epoch; undefined: never, gone, or asked already. */
  dueOf(token: string): number | undefined;
  /** Bindings there are. */
  count(): number;
  /** Bindings asked a second, at most. */
  pacePerSecond(): number;
  ask(token: string): void;
}

/** Taken out before the rest moves up. */
const MOST_TAKEN = 100_000;

/** Room for three numbers a binding while a rule needs them, none otherwise. However many are due at once, they are asked at the pace. */
export class AuthenticationAges {
  readonly #options: AuthenticationAgesOptions;
  readonly #deadlines: Deadlines<string>;
  readonly #work: PacedWork;
  /** Due, first come first: from `#first` on. */
  #waiting: string[] = [];
  #first = 0;

  constructor(options: AuthenticationAgesOptions) {
    this.#options = options;
    const { clock, count, dueOf, pacePerSecond } = options;
    this.#deadlines = new Deadlines({
      clock,
      count,
      dueOf,
      onDue: (token) => this.#enqueue(token),
    });
    this.#work = new PacedWork({ clock, perSecond: pacePerSecond, next: () => this.#next() });
  }

  /**
   * From now on; to be said again when an asking is over, and not when the time has only moved away.
   * @param due as `dueOf` has it, where it is at hand
   */
  watch(token: string, due: number | undefined = this.#options.dueOf(token)): void {
    if (due === undefined) return;
    if (due <= this.#options.clock.now()) this.#enqueue(token);
    else this.#deadlines.add(token, due);
  }

  /** A binding has gone. */
  gone(): void {
    this.#deadlines.gone();
  }

  /** Due, and not asked yet for the pace. */
  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  /** Nobody is watched any more. */
  clear(): void {
    this.#deadlines.close();
    this.#work.close();
    this.#waiting = [];
    this.#first = 0;
  }

  #enqueue(token: string): void {
    this.#waiting.push(token);
    this.#work.wake();
  }

  #next(): PieceOfWork {
    const token = this.#waiting[this.#first];
    if (token === undefined) {
      this.#waiting = [];
      this.#first = 0;
      return "over";
    }
    this.#first += 1;
    if (this.#first === MOST_TAKEN) {
      this.#waiting = this.#waiting.slice(MOST_TAKEN);
      this.#first = 0;
    }
    const due = this.#options.dueOf(token);
    if (due === undefined) return "skipped";
    if (due > this.#options.clock.now()) {
      this.#deadlines.add(token, due);
      return "skipped";
    }
    this.#options.ask(token);
    return "done";
  }
}
