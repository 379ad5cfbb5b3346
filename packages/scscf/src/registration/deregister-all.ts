// The de-registration of everybody who is registered, at a pace. TS 24.229 §5.4.1.5.
import type { Clock } from "@ims-lab/common/platform/clock";
import { PacedWork, type PieceOfWork } from "@ims-lab/common/platform/paced-work";
import type { Binding, RemovalCause } from "./binding.ts";
import type { Bindings } from "./bindings.ts";
import type { Registrations } from "./registrations.ts";

export interface DeregisterAllOptions {
  readonly clock: Clock;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
  readonly cause: RemovalCause;
  readonly perSecond: number;
  /** All have had their turn, and what became of it is durable; or it was stopped. */
  onOver(): void;
}

/** Who registers after it has begun, be it anew, is not meant: otherwise it would never end. */
export class DeregisterAll {
  readonly #options: DeregisterAllOptions;
  readonly #work: PacedWork;
  readonly #left: Iterator<Binding>;
  readonly #beganAt: number;
  readonly total: number;
  deregistered = 0;
  told = 0;
  #seen = 0;
  #pending = 0;
  #isWalked = false;

  constructor(options: DeregisterAllOptions) {
    this.#options = options;
    const { clock, bindings, perSecond } = options;
    this.#beganAt = clock.now();
    this.#left = bindings.all();
    this.total = bindings.size;
    this.#work = new PacedWork({ clock, perSecond: () => perSecond, next: () => this.#next() });
    this.#work.wake();
  }

  /** Had gone before their turn; known at the end. */
  get gone(): number {
    return this.isOver ? this.total - this.#seen : 0;
  }

  get isOver(): boolean {
    return this.#isWalked && this.#pending === 0;
  }

  /** Nobody further is de-registered. */
  stop(): void {
    this.#work.close();
  }

  #next(): PieceOfWork {
    const { done, value: binding } = this.#left.next();
    if (done === true) {
      this.#isWalked = true;
      this.#endWhenSettled();
      return "over";
    }
    if (binding.registeredAt > this.#beganAt) return "skipped";
    this.#seen += 1;
    this.#remove(binding);
    return "done";
  }

  #remove({ token, duty }: Binding): void {
    const { clock, registrations, bindings, cause } = this.#options;
    this.#pending += 1;
    const settled = (): void => {
      this.#pending -= 1;
      if (bindings.get(token) === undefined) {
        this.deregistered += 1;
        this.told += Number(duty.state === "fulfilled");
      }
      this.#endWhenSettled();
    };
    registrations.input(token, { kind: "removed", at: clock.now(), cause }, { settled });
  }

  #endWhenSettled(): void {
    if (this.isOver) this.#options.onOver();
  }
}
