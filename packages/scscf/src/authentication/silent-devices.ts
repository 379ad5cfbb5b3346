// Devices that say nothing after their 401: noticed when nobody honest would take longer.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type {
  Claimant,
  RegistrationEvent,
  RegistrationEvents,
  RegistrationSubscriber,
} from "../registration/events.ts";

interface Waiting {
  readonly claimant: Claimant;
  readonly until: number;
}

/** Honest devices take a second; whoever is later is answered all the same. */
const SILENT_AFTER_SECONDS = 10;
/** Challenges waited for; above that silence goes unnoticed. */
const MOST = 100_000;

export interface SilentDevicesOptions {
  readonly clock: Clock;
  readonly events: RegistrationEvents;
  /** What the silence says of a device, where it says anything. */
  causeOf(impi: string): string | undefined;
  /** Whether this node would hear an answer. */
  isServed(impi: string): boolean;
}

export class SilentDevices implements RegistrationSubscriber {
  readonly #options: SilentDevicesOptions;
  /** In the order of their time; by user and Call-ID. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | undefined;

  constructor(options: SilentDevicesOptions) {
    this.#options = options;
  }

  on(event: RegistrationEvent): void {
    if (event.kind === "challenged") this.#challenged(event.claimant);
    else if (event.kind === "answered") this.#waiting.delete(keyOf(event));
  }

  /** One that asks again instead of answering is waited for from the first time on. */
  #challenged(claimant: Claimant): void {
    const { clock } = this.#options;
    const key = keyOf(claimant);
    if (this.#waiting.has(key) || this.#waiting.size >= MOST) return;
    const until = clock.now() + SILENT_AFTER_SECONDS * 1000;
    this.#waiting.set(key, { claimant, until });
    this.#timer ??= clock.at(until, () => this.#lookDue());
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #lookDue(): void {
    this.#timer = undefined;
    const { clock } = this.#options;
    const now = clock.now();
    for (const [key, waiting] of this.#waiting) {
      if (waiting.until > now) {
        this.#timer = clock.at(waiting.until, () => this.#lookDue());
        return;
      }
      this.#waiting.delete(key);
      this.#unanswered(waiting.claimant);
    }
  }

  #unanswered(claimant: Claimant): void {
    const { events, causeOf, isServed } = this.#options;
    if (!isServed(claimant.impi)) return;
    const cause = causeOf(claimant.impi) ?? "the device gave up, or the 401 did not reach it";
    const why = `no answer to its 401 for ${SILENT_AFTER_SECONDS} s: ${cause}`;
    events.publish({ kind: "authentication-unanswered", claimant, why });
  }
}

function keyOf({ impi, callId }: Pick<Claimant, "impi" | "callId">): string {
  return `${impi} ${callId}`;
}
