// The end of a subscription: answers that end it, and what a subscriber may do afterwards. RFC 6665 §4.1.2.2, §4.1.3, §4.2.2.

const ENDING_STATUSES: ReadonlySet<number> = new Set([
  404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604,
]);

/** These answers to SUBSCRIBE or NOTIFY mean that the subscription is gone; others leave it alone. */
export function endsSubscription(status: number): boolean {
  return ENDING_STATUSES.has(status);
}

export type Resubscribe =
  | { readonly kind: "now" }
  | { readonly kind: "later"; readonly seconds: number }
  | { readonly kind: "never" };

const NEVER: Resubscribe = { kind: "never" };

/** §4.1.3: a peer that says "later" without saying when. */
const LATER_SECONDS = 60;

/** §4.1.3: advice for `Subscription-State: terminated` with this reason. */
export function afterTermination(reason: string | undefined, retryAfter?: number): Resubscribe {
  switch (reason?.toLowerCase()) {
    case "rejected":
    case "noresource":
    case "invariant":
      return NEVER;
    case "deactivated":
    case "timeout": // retry-after has no meaning with these two
      return { kind: "now" };
    case "probation":
      return { kind: "later", seconds: retryAfter ?? LATER_SECONDS };
    case "giveup":
    case undefined:
      break;
  }
  return retryAfter === undefined ? { kind: "now" } : { kind: "later", seconds: retryAfter };
}

/** RFC 3261 §21.5: these say what the server lacks, not how it is doing. */
const UNABLE: ReadonlySet<number> = new Set([501, 505, 513]);

/** Advice after a SUBSCRIBE that would have made a subscription was refused. */
export function afterRefusal(status: number, retryAfter?: number): Resubscribe {
  if (retryAfter !== undefined) return { kind: "later", seconds: retryAfter };
  const isServerSide = status >= 500 && status < 600 && !UNABLE.has(status);
  return isServerSide || status === 408 || status === 480
    ? { kind: "later", seconds: LATER_SECONDS }
    : NEVER;
}
