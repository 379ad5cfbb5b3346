// Log of a store that fails and works again: two lines an outage, however many commits fail in it.
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

export class StoreLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #since: number | undefined;
  #failed = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  failed(error: Error): void {
    this.#failed += 1;
    if (this.#since !== undefined) return;
    this.#since = this.#clock.now();
    this.#log.error("store.failed", { error });
  }

  worked(): void {
    if (this.#since === undefined) return;
    const seconds = Math.round((this.#clock.now() - this.#since) / 1000);
    this.#log.info("store.resumed", { failed: this.#failed, seconds });
    this.#since = undefined;
    this.#failed = 0;
  }
}
