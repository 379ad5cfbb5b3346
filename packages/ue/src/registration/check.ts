// Registration check: a periodic OPTIONS to the home domain, which a CSCF that has lost the registration answers with 403. RFC 3261 §11; TS 24.229 §5.2.6, §5.4.3.2.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { SentRequest } from "../stack/stack.ts";
import { registrarUri } from "../user-agent/addresses.ts";
import { usableIdentity } from "../user-agent/identity.ts";
import { requestOutsideDialog, type UserAgent } from "../user-agent/user-agent.ts";
import type { Granted } from "./state.ts";

/** The result of one check. */
export interface CheckOutcome {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the answer; null: there was none, and why. */
  readonly status: number | null;
  readonly why: string | null;
}

export interface RegistrationCheckOptions {
  readonly clock: Clock;
  readonly userAgent: UserAgent;
  /** Between two checks, seconds; 0: none. */
  readonly seconds: number;
  /** The registration that stands; undefined: none, or a REGISTER under way will tell. */
  granted(): Granted | undefined;
  onLost(why: string): void;
  /** The last check has another result than the one before. */
  onChange(outcome: CheckOutcome): void;
}

/** Milliseconds without an answer after which the registration counts as unconfirmed. */
const ANSWER_WITHIN_MS = 8_000;

/**
 * A CSCF that has lost its registrations sends nothing; an idle UE over UDP would find out at its next refresh, days
 * later. Both CSCFs answer 403 to a UE without a registration, and with another status to one that has one.
 */
export class RegistrationCheck {
  readonly #options: RegistrationCheckOptions;
  #timer: Timer | undefined;
  #sent: SentRequest | undefined;
  #answerTimer: Timer | undefined;
  /** An OPTIONS waits for its answer. */
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
    this.#answerTimer?.cancel();
    this.#sent?.abandon();
    this.#isOpen = false;
    this.#last = undefined;
  }

  #plan(): void {
    const { clock, userAgent, seconds } = this.#options;
    this.#timer?.cancel();
    if (seconds === 0) return;
    // Those who registered together must not ask together.
    const wait = seconds * (0.8 + 0.2 * userAgent.random.fraction());
    this.#timer = clock.after(wait * 1000, () => {
      this.#ask();
      this.#plan();
    });
  }

  #ask(): void {
    const { userAgent, granted } = this.#options;
    const registration = granted();
    if (registration === undefined) return;
    const { impu, domain } = userAgent.identity;
    const request = requestOutsideDialog(userAgent, "OPTIONS", {
      callId: userAgent.random.hex(16),
      fromTag: userAgent.random.hex(8),
      to: registrarUri(impu, domain),
      from: usableIdentity(impu, registration.associatedUris),
    });
    this.#sent?.abandon(); // one at a time: the next one asks the same
    this.#overdue();
    this.#isOpen = true;
    this.#answerTimer = this.#options.clock.after(ANSWER_WITHIN_MS, () => this.#overdue());
    this.#sent = userAgent.send(request, {
      onResponse: ({ status, reason }) => {
        if (status >= 200) this.#answered(status, reason);
      },
      onFailure: (why) => this.#note({ at: this.#now(), status: null, why }),
    });
  }

  /** The answer may still come. */
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
    this.#answerTimer?.cancel();
    if ((before?.why ?? null) !== outcome.why) this.#options.onChange(outcome);
  }

  #now(): number {
    return Math.floor(this.#options.clock.now());
  }
}

/** An answer that came past both CSCFs, be it one that refuses OPTIONS. */
function isReached(status: number): boolean {
  return status !== 403 && status !== 408 && status < 500;
}
