// The last reason per IMPI why somebody's authentication failed, for people who look for it. Bounded.

export interface FailureNote {
  /** One line. */
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const MOST = 1000;

export class FailureNotes {
  readonly #byImpi = new Map<string, FailureNote>();

  note(impi: string, why: string, at: number): void {
    this.#byImpi.delete(impi);
    this.#byImpi.set(impi, { why, at });
    const [oldest] = this.#byImpi.keys();
    if (this.#byImpi.size > MOST && oldest !== undefined) this.#byImpi.delete(oldest);
  }

  of(impi: string): FailureNote | undefined {
    return this.#byImpi.get(impi);
  }
}
