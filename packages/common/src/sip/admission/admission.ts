// Admission options of an endpoint, made from the settings of a node.
import type { Clock, NextTurn } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { MessageLimits } from "../message/header-section.ts";
import type { Backpressure } from "./backpressure.ts";
import { Gate } from "./decide.ts";
import type { SipLimits } from "./limits.ts";
import { type RateLimits, SourceRates } from "./rates.ts";
import { RequestQueue } from "./request-queue.ts";

/** One for all endpoints of a node; undefined where time is not the system's. */
export function requestQueueOf(
  { maxWaitMs }: SipLimits,
  clock: Clock,
  nextTurn: NextTurn | undefined,
): RequestQueue | undefined {
  return nextTurn && new RequestQueue({ clock, nextTurn, maxWaitMs });
}

interface EndpointLimits {
  readonly maxTransactions: number;
  readonly maxTransactionBytes: number;
  readonly maxPendingPerHolder: number;
  readonly maxMessageBytes: number;
  readonly retryAfterSeconds: number;
  readonly messageLimits: MessageLimits;
  readonly gate: Gate;
  readonly queue?: RequestQueue;
}

/** Spread into an endpoint's options. @param rates given where sources are told apart */
export function endpointLimits(
  limits: SipLimits,
  parts: {
    readonly random: Random;
    readonly queue: RequestQueue | undefined;
    readonly backpressure?: Backpressure;
  },
  rates?: RateLimits,
): EndpointLimits {
  const { maxTransactions, maxTransactionBytes, retryAfterSeconds } = limits;
  const { maxMessageBytes, maxPendingTransactions, pendingSharePercent } = limits;
  const { random, queue, backpressure } = parts;
  return {
    maxTransactions,
    maxTransactionBytes,
    maxPendingPerHolder: Math.ceil((maxPendingTransactions * pendingSharePercent) / 100),
    maxMessageBytes,
    retryAfterSeconds,
    messageLimits: limits,
    gate: new Gate({
      random,
      backpressure,
      maxMessageBytes,
      maxPendingTransactions,
      rates: rates && new SourceRates(rates),
    }),
    ...(queue !== undefined && { queue }),
  };
}
