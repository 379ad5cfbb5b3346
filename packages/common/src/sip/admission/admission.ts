// Admission of messages at an endpoint: the state that `decide` works on, gathered for each of them.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { Backpressure } from "./backpressure.ts";
import { type AdmissionState, type Decision, decide } from "./decide.ts";
import type { Peek } from "./peek.ts";
import type { SourceRates } from "./rates.ts";
import type { Taken } from "./token-buckets.ts";

/** What admission asks of the transactions behind it. */
export interface PendingTransactions {
  /** Server transactions without a final answer. */
  readonly pendingCount: number;
  hasServer(key: string): boolean;
}

export interface AdmissionOptions {
  readonly maxMessageBytes: number;
  /** Server transactions without a final answer. */
  readonly maxPendingTransactions: number;
  /** Undefined: sources are not told apart. */
  readonly rates?: SourceRates | undefined;
  /** Undefined: no next node is asked. */
  readonly backpressure?: Backpressure | undefined;
}

/** Absent limits let everything in. */
export class Admission implements AdmissionState {
  readonly maxMessageBytes: number;
  readonly maxPending: number;
  readonly #rates: SourceRates | undefined;
  readonly #backpressure: Backpressure | undefined;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #transactions: PendingTransactions;
  // Of the message at hand.
  rate: Taken = "within";
  share = 1;
  draw = 0;
  isLate = false;

  constructor(
    options: AdmissionOptions | undefined,
    tools: { readonly clock: Clock; readonly random: Random },
    transactions: PendingTransactions,
  ) {
    this.maxMessageBytes = options?.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    this.maxPending = options?.maxPendingTransactions ?? Number.POSITIVE_INFINITY;
    this.#rates = options?.rates;
    this.#backpressure = options?.backpressure;
    this.#random = tools.random;
    this.#clock = tools.clock;
    this.#transactions = transactions;
  }

  get pending(): number {
    return this.#transactions.pendingCount;
  }

  hasServer(key: string): boolean {
    return this.#transactions.hasServer(key);
  }

  /** At its arrival. @param host its source's literal address */
  onArrival(message: Peek, host: string): Decision {
    this.isLate = false;
    this.rate = this.#rateOf(message, host);
    this.share = this.#backpressure?.share(this.#clock.now()) ?? 1;
    this.draw = this.share < 1 ? this.#random.fraction() : 0;
    return decide(message, this);
  }

  /** When its turn came too late. */
  onLateTurn(message: Peek): Decision {
    this.isLate = true;
    this.rate = "within"; // counted at its arrival
    return decide(message, this);
  }

  /** What is refused for its size takes nothing of its source's rate. */
  #rateOf({ bytes }: Peek, host: string): Taken {
    if (this.#rates === undefined || bytes.length > this.maxMessageBytes) return "within";
    return this.#rates.take(bytes, host, this.#clock.now());
  }
}
