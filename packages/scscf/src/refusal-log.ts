// Refusals in the log: those of users behind a peer we trust as fast as people read, those of a stranger once in ten minutes.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger, LogValue } from "@ims-lab/common/platform/logger";
import { type OncePer, oncePer } from "@ims-lab/common/platform/once-per";
import { TokenBuckets } from "@ims-lab/common/sip/overload/token-buckets";

/** `detail` is for the operator; the peer hears the status alone. */
export interface RefusalFields extends Readonly<Record<string, LogValue>> {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
}

/** One refused attempt at authentication. */
export interface FailureFields extends Readonly<Record<string, LogValue>> {
  readonly impi: string;
  readonly why: string;
}

const SAY_AGAIN_MS = 600_000;
/** Strangers reach us through the P-CSCF, too: lines per second and event, and how many at once. */
const PACE = { perSecond: 10, burst: 100, maxSources: 10 };
/** What strangers are told nothing of, and an operator should do about it. */
const ADVICE: ReadonlyMap<LogValue | undefined, Readonly<Record<string, string>>> = new Map([
  [
    "untrusted-peer",
    { setting: "trustedPeers", next: "if it is a P-CSCF of yours, add it there with its port" },
  ],
  [
    "past-pcscf",
    { next: "set that P-CSCF as the device's outbound proxy: it follows its Service-Route alone" },
  ],
]);

export class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #maySay: OncePer;
  readonly #pace = new TokenBuckets(PACE);

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#maySay = oncePer(clock, SAY_AGAIN_MS);
  }

  warn(event: string, fields: RefusalFields | FailureFields): void {
    this.#say("warn", event, fields);
  }

  /** What users may run into every day. */
  info(event: string, fields: RefusalFields): void {
    this.#say("info", event, fields);
  }

  #isInPace(event: string): boolean {
    return this.#pace.take(event, this.#clock.now()) === "within";
  }

  #say(level: "info" | "warn", event: string, fields: RefusalFields | FailureFields): void {
    const advice = ADVICE.get(fields["reason"]);
    if (advice === undefined) {
      if (this.#isInPace(event)) this.#log[level](event, fields);
    } else if (this.#maySay(String(fields["detail"])))
      this.#log.warn(event, { ...fields, ...advice });
  }
}
