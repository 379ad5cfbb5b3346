// Limits of a node's settings as its endpoints take them.
import type { Clock, NextTurn } from "../../platform/clock.ts";
import type { AdmissionOptions } from "../admission/admission.ts";
import type { Backpressure } from "../admission/backpressure.ts";
import type { SipLimits } from "../admission/limits.ts";
import { type RateLimits, SourceRates } from "../admission/rates.ts";
import { RequestQueue } from "../admission/request-queue.ts";
import type { EndpointOptions } from "./options.ts";

/** One for all endpoints of a node; undefined where time is not the system's. */
export function requestQueueOf(
  { maxWaitMs }: SipLimits,
  clock: Clock,
  nextTurn: NextTurn | undefined,
): RequestQueue | undefined {
  return nextTurn && new RequestQueue({ clock, nextTurn, maxWaitMs });
}

type LimitOption =
  | "maxTransactions"
  | "maxTransactionBytes"
  | "maxPendingPerHolder"
  | "maxMessageBytes"
  | "retryAfterSeconds"
  | "messageLimits";

type EndpointLimits = Required<Pick<EndpointOptions, LimitOption>> & {
  readonly admission: AdmissionOptions;
  readonly queue?: RequestQueue;
};

/** Spread into an endpoint's options. @param rates given where sources are told apart */
export function endpointLimits(
  limits: SipLimits,
  parts: { readonly queue: RequestQueue | undefined; readonly backpressure?: Backpressure },
  rates?: RateLimits,
): EndpointLimits {
  const { maxTransactions, maxTransactionBytes, retryAfterSeconds } = limits;
  const { maxMessageBytes, maxPendingTransactions, pendingSharePercent } = limits;
  const { queue, backpressure } = parts;
  return {
    maxTransactions,
    maxTransactionBytes,
    maxPendingPerHolder: Math.ceil((maxPendingTransactions * pendingSharePercent) / 100),
    maxMessageBytes,
    retryAfterSeconds,
    messageLimits: limits,
    admission: {
      maxMessageBytes,
      maxPendingTransactions,
      rates: rates && new SourceRates(rates),
      backpressure,
    },
    ...(queue !== undefined && { queue }),
  };
}
