// The limits of a node's settings as its endpoints take them. Design sections 7, 11.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { MessageLimits } from "../message/header-section.ts";
import { Gate } from "./gate.ts";
import { Governor, type LoadSource } from "./governor.ts";
import type { SipLimits } from "./limits.ts";
import { type RateLimits, SourceRates } from "./rate-limits.ts";

/** One for all endpoints of a node; undefined where nobody measures its load. */
export function governorOf(
  limits: SipLimits,
  clock: Clock,
  source: LoadSource | undefined,
): Governor | undefined {
  const { maxBusyShare, maxLoopLagMs } = limits;
  return source && new Governor({ clock, source, maxBusyShare, maxLoopLagMs });
}

interface EndpointLimits {
  readonly maxTransactions: number;
  readonly retryAfterSeconds: number;
  readonly messageLimits: MessageLimits;
  readonly gate: Gate;
}

/** Spread into an endpoint's options. @param rates given where sources are told apart */
export function endpointLimits(
  limits: SipLimits,
  parts: { readonly random: Random; readonly governor: Governor | undefined },
  rates?: RateLimits,
): EndpointLimits {
  const { maxTransactions, retryAfterSeconds, maxMessageBytes, maxPendingTransactions } = limits;
  return {
    maxTransactions,
    retryAfterSeconds,
    messageLimits: limits,
    gate: new Gate({
      random: parts.random,
      governor: parts.governor,
      maxMessageBytes,
      maxPendingTransactions,
      rates: rates && new SourceRates(rates),
    }),
  };
}
