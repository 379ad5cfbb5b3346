// Refusals in the log: every one of a peer we trust, those of a stranger once in ten minutes.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger, LogValue } from "@ims-lab/common/platform/logger";
import { type OncePer, oncePer } from "@ims-lab/common/platform/once-per";

/** `detail` is for the operator; the peer hears the status alone. */
export interface RefusalFields extends Readonly<Record<string, LogValue>> {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
}

const SAY_AGAIN_MS = 600_000;
const ADVICE = {
  setting: "trustedPeers",
  next: "if it is a P-CSCF of yours, add it there with its port",
};

export class RefusalLog {
  readonly #log: Logger;
  readonly #maySay: OncePer;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#maySay = oncePer(clock, SAY_AGAIN_MS);
  }

  warn(event: string, fields: RefusalFields): void {
    this.#say("warn", event, fields);
  }

  /** What users may run into every day. */
  info(event: string, fields: RefusalFields): void {
    this.#say("info", event, fields);
  }

  #say(level: "info" | "warn", event: string, fields: RefusalFields): void {
    if (fields.reason !== "untrusted-peer") this.#log[level](event, fields);
    else if (this.#maySay(fields.detail)) this.#log.warn(event, { ...fields, ...ADVICE });
  }
}
