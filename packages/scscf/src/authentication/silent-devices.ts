// Devices that say nothing after their 401: noticed when nobody honest would take longer.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";

export interface Challenged {
  readonly impi: string;
  readonly impu: string;
  readonly callId: string;
  /** The device's address. */
  readonly source: string;
}

interface Waiting extends Challenged {
  readonly until: number;
}

/** Honest devices take a second; whoever is later is answered all the same. */
const SILENT_AFTER_SECONDS = 10;
/** Challenges waited for; above that silence goes unnoticed. */
const MOST = 100_000;

export class SilentDevices {
  readonly #clock: Clock;
  readonly #onSilent: (who: Challenged, seconds: number) => void;
  /** In the order of their time; by user and Call-ID. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | undefined;

  constructor(clock: Clock, onSilent: (who: Challenged, seconds: number) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** One that asks again instead of answering is waited for from the first time on. */
  challenged(who: Challenged): void {
    const key = keyOf(who);
    if (this.#waiting.has(key) || this.#waiting.size >= MOST) return;
    const until = this.#clock.now() + SILENT_AFTER_SECONDS * 1000;
    this.#waiting.set(key, { ...who, until });
    this.#timer ??= this.#clock.at(until, () => this.#lookDue());
  }

  /** Any answer to a challenge, right or wrong. */
  answered(who: Pick<Challenged, "impi" | "callId">): void {
    this.#waiting.delete(keyOf(who));
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #lookDue(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [key, waiting] of this.#waiting) {
      if (waiting.until > now) {
        this.#timer = this.#clock.at(waiting.until, () => this.#lookDue());
        return;
      }
      this.#waiting.delete(key);
      this.#onSilent(waiting, SILENT_AFTER_SECONDS);
    }
  }
}

function keyOf({ impi, callId }: Pick<Challenged, "impi" | "callId">): string {
  return `${impi} ${callId}`;
}
