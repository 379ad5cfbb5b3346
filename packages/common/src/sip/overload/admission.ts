// The limits of a node's settings as its endpoints take them. Design sections 7, 11.
import type { Clock, NextTurn } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { MessageLimits } from "../message/head-reader.ts";
import type { Backpressure } from "./backpressure.ts";
import { Gate } from "./gate.ts";
import { Inbox } from "./inbox.ts";
import type { SipLimits } from "./limits.ts";
import { type RateLimits, SourceRates } from "./rate-limits.ts";

/** One for all endpoints of a node; undefined where time is not the system's. */
export function inboxOf(
  { maxWaitMs }: SipLimits,
  clock: Clock,
  nextTurn: NextTurn | undefined,
): Inbox | undefined {
  return nextTurn && new Inbox({ clock, nextTurn, maxWaitMs });
}

interface EndpointLimits {
  readonly maxTransactions: number;
  readonly maxTransactionBytes: number;
  readonly maxPendingPerHolder: number;
  readonly maxMessageBytes: number;
  readonly retryAfterSeconds: number;
  readonly messageLimits: MessageLimits;
  readonly gate: Gate;
  readonly inbox?: Inbox;
}

/** Spread into an endpoint's options. @param rates given where sources are told apart */
export function endpointLimits(
  limits: SipLimits,
  parts: {
    readonly random: Random;
    readonly inbox: Inbox | undefined;
    readonly backpressure?: Backpressure;
  },
  rates?: RateLimits,
): EndpointLimits {
  const { maxTransactions, maxTransactionBytes, retryAfterSeconds } = limits;
  const { maxMessageBytes, maxPendingTransactions, pendingSharePercent } = limits;
  const { random, inbox, backpressure } = parts;
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
    ...(inbox !== undefined && { inbox }),
  };
}
