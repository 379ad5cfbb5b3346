// The last reason per IMPI why somebody's authentication failed, for people who look for it. Bounded.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";

export interface FailureNote {
  /** One line. */
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const MOST = 1000;

export class FailureNotes implements RegistrationSubscriber {
  readonly #clock: Clock;
  readonly #byImpi = new Map<string, FailureNote>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  on(event: RegistrationEvent): void {
    if (event.kind !== "authentication-failed") return;
    const { impi } = event.claimant;
    this.#byImpi.delete(impi);
    this.#byImpi.set(impi, { why: event.why, at: this.#clock.now() });
    const [oldest] = this.#byImpi.keys();
    if (this.#byImpi.size > MOST && oldest !== undefined) this.#byImpi.delete(oldest);
  }

  of(impi: string): FailureNote | undefined {
    return this.#byImpi.get(impi);
  }
}
