// Ends of re-authentications, as events tell them over all lives of an S-CSCF, and which run by its rows. TS 24.229 §5.4.1.6.
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { Ended } from "../../../scscf/src/registration/reauthentication.ts";

export class EndLedger {
  /** Those that run, by token of their binding, as they are kept. */
  readonly #running = new Map<string, string>();
  readonly #ends = new Map<string, number>();
  readonly byKind: Map<string, number> = new Map();

  /** Ends of each one that began. */
  get ends(): ReadonlyMap<string, number> {
    return this.#ends;
  }

  /** It has begun. */
  began(id: string): void {
    if (!this.#ends.has(id)) this.#ends.set(id, 0);
  }

  ended({ id, end }: Ended): void {
    this.#ends.set(id, (this.#ends.get(id) ?? 0) + 1);
    this.byKind.set(end, (this.byKind.get(end) ?? 0) + 1);
  }

  /** The store has it. */
  kept(token: string, binding: Binding | undefined): void {
    const id = binding?.reauthentication?.id;
    if (id === undefined) this.#running.delete(token);
    else this.#running.set(token, id);
  }

  /** The process is gone: ends that were durable and that nobody heard of any more are none. */
  died(): void {
    const running = new Set(this.#running.values());
    for (const id of this.#open) if (!running.has(id)) this.#ends.delete(id);
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    for (const id of this.#open) this.#ends.delete(id);
    this.#running.clear();
  }

  /** Ids of those that have begun and not ended. */
  get #open(): readonly string[] {
    return [...this.#ends].filter(([, count]) => count === 0).map(([id]) => id);
  }
}
