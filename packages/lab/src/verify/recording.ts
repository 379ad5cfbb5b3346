// Observed messages as they come in, and waiting for them.
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import type { Clock } from "@ims-lab/common/platform/clock";

/** More than any device sends while it is verified; a flood is cut off. */
const MOST_MESSAGES = 20_000;

export class Recording {
  readonly #clock: Clock;
  readonly #messages: ObservedMessage[] = [];
  readonly #waiting = new Set<() => void>();
  /** The S-CSCF's clock less ours, milliseconds, as of the last message. */
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(message: ObservedMessage): void {
    if (this.#messages.length >= MOST_MESSAGES) return;
    this.#messages.push(message);
    this.#ahead = message.at - this.#clock.now();
    for (const look of [...this.#waiting]) look();
  }

  /** Where the next message will stand. */
  get length(): number {
    return this.#messages.length;
  }

  from(start: number): readonly ObservedMessage[] {
    return this.#messages.slice(start);
  }

  /** Now, by the clock of the messages. */
  get now(): number {
    return this.#clock.now() + this.#ahead;
  }

  /** Resolves when it is there, or at the latest after `most()` seconds from now, which each message may change; false then. */
  until(isThere: () => boolean, most: () => number, signal: AbortSignal): Promise<boolean> {
    const began = this.#clock.now();
    return new Promise((resolve, reject) => {
      let timer: { cancel(): void } | undefined;
      const end = (found: boolean): void => {
        finish();
        resolve(found);
      };
      const abort = (): void => {
        finish();
        reject(signal.reason);
      };
      const finish = (): void => {
        timer?.cancel();
        this.#waiting.delete(look);
        signal.removeEventListener("abort", abort);
      };
      const look = (): void => {
        timer?.cancel();
        if (isThere()) {
          end(true);
          return;
        }
        const left = began + most() * 1000 - this.#clock.now();
        if (left <= 0) end(false);
        else timer = this.#clock.after(left, look);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener("abort", abort);
      this.#waiting.add(look);
      look();
    });
  }
}
