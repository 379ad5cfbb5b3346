// Whether the network still knows the registration: an OPTIONS to the home domain from time to time. RFC 3261 §11; TS 24.229 §5.2.6, §5.4.3.2.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { registrarUri } from "../addresses.ts";
import { firstRequest, type Line } from "../call/line.ts";
import type { SentRequest } from "../stack/stack.ts";
import { identityToWatch } from "../subscription/identity-to-watch.ts";
import type { Granted } from "./state.ts";

/** What the last one has shown. */
export interface CheckOutcome {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the answer; null: there was none, and why. */
  readonly status: number | null;
  readonly why: string | null;
}

export interface RegistrationCheckOptions {
  readonly clock: Clock;
  readonly line: Line;
  /** Between two checks, seconds; 0: none. */
  readonly seconds: number;
  /** The registration that stands; undefined: none, or a REGISTER under way will tell. */
  granted(): Granted | undefined;
  onLost(why: string): void;
  /** Whether somebody who knows this UE can be reached has changed. */
  onChange(outcome: CheckOutcome): void;
}

/** Milliseconds without an answer after which nobody can say any more that all is well. */
const PATIENCE_MS = 8_000;

/**
 * A CSCF that has lost its memory says nothing; an idle UE over UDP would find out at its next refresh, days
 * later. Both CSCFs answer 403 to whom they do not know, and any other answer says that they do.
 */
export class RegistrationCheck {
  readonly #options: RegistrationCheckOptions;
  #timer: Timer | undefined;
  #sent: SentRequest | undefined;
  #patience: Timer | undefined;
  /** It waits for its answer. */
  #isOpen = false;
  #last: CheckOutcome | undefined;

  constructor(options: RegistrationCheckOptions) {
    this.#options = options;
  }

  get last(): CheckOutcome | undefined {
    return this.#last;
  }

  /** A REGISTER got its 200. */
  start(): void {
    this.stop();
    this.#plan();
  }

  /** There is no registration to ask for. */
  stop(): void {
    this.#timer?.cancel();
    this.#patience?.cancel();
    this.#sent?.abandon();
    this.#isOpen = false;
    this.#last = undefined;
  }

  #plan(): void {
    const { clock, line, seconds } = this.#options;
    this.#timer?.cancel();
    if (seconds === 0) return;
    // Those who registered together must not ask together.
    const wait = seconds * (0.8 + 0.2 * line.random.fraction());
    this.#timer = clock.after(wait * 1000, () => {
      this.#ask();
      this.#plan();
    });
  }

  #ask(): void {
    const { line, granted } = this.#options;
    const registration = granted();
    if (registration === undefined) return;
    const { impu, domain } = line.identity;
    const request = firstRequest(line, "OPTIONS", {
      callId: line.random.hex(16),
      fromTag: line.random.hex(8),
      to: registrarUri(impu, domain),
      from: identityToWatch(impu, registration.associatedUris),
    });
    this.#sent?.abandon(); // one at a time: the next one asks the same
    this.#overdue();
    this.#isOpen = true;
    this.#patience = this.#options.clock.after(PATIENCE_MS, () => this.#overdue());
    this.#sent = line.send(request, {
      onResponse: ({ status, reason }) => {
        if (status >= 200) this.#answered(status, reason);
      },
      onFailure: (why) => this.#note({ at: this.#now(), status: null, why }),
    });
  }

  /** It may be answered yet; until then nobody knows. */
  #overdue(): void {
    if (this.#isOpen) this.#note({ at: this.#now(), status: null, why: "no answer" });
  }

  #answered(status: number, reason: string): void {
    this.#note({ at: this.#now(), status, why: isReached(status) ? null : reason });
    if (status === 403) this.#options.onLost(`OPTIONS answered ${status}`);
  }

  #note(outcome: CheckOutcome): void {
    const before = this.#last;
    this.#last = outcome;
    this.#isOpen = false;
    this.#patience?.cancel();
    if ((before?.why ?? null) !== outcome.why) this.#options.onChange(outcome);
  }

  #now(): number {
    return Math.floor(this.#options.clock.now());
  }
}

/** Somebody who knows the UE has answered, be it that he has no use for OPTIONS. */
function isReached(status: number): boolean {
  return status !== 403 && status !== 408 && status < 500;
}
