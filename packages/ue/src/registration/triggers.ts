// Which triggers ask for something new. RFC 3680 §5.3, TS 24.229 §5.1.1.5.2; docs/events.md.
import type { Granted, ObeyedTrigger, Trigger } from "./state.ts";

/** Enough for every subscription to repeat its trigger. */
const OBEYED_KEPT = 8;
/** Milliseconds by which two readings of one expiry may differ. */
const SAME_EXPIRY = 2_000;
/** What is said behind our REGISTER is said again when it counts down in whole seconds to the same end. */
const SAID_AGAIN = { earlier: 1_000, later: 500 };

/** Undefined: it was obeyed before, or is about an older REGISTER. */
export function newTrigger(
  now: number,
  obeyed: readonly ObeyedTrigger[],
  granted: Granted,
  trigger: Trigger,
): readonly ObeyedTrigger[] | undefined {
  if (isOutdated(trigger, granted)) return undefined;
  const { contactId, callId, cseq, expiresSeconds } = trigger;
  const expiresAt = expiresSeconds === undefined ? undefined : now + expiresSeconds * 1000;
  const next: ObeyedTrigger = { contactId, callId, cseq, order: granted.order, expiresAt };
  if (obeyed.some((earlier) => isSame(earlier, next))) return undefined;
  return [...obeyed, next].slice(-OBEYED_KEPT);
}

function isOutdated({ callId, cseq }: Trigger, { order }: Granted): boolean {
  return callId === order.callId && cseq !== undefined && cseq < order.cseq;
}

/** One that names another registration, an earlier end, or a later one after a registration of ours, is new. */
function isSame(earlier: ObeyedTrigger, next: ObeyedTrigger): boolean {
  const isAlike =
    earlier.contactId === next.contactId &&
    earlier.callId === next.callId &&
    earlier.cseq === next.cseq;
  if (!isAlike) return false;
  const isOfOneRegistration =
    earlier.order.callId === next.order.callId && earlier.order.cseq === next.order.cseq;
  if (earlier.expiresAt === undefined || next.expiresAt === undefined) return isOfOneRegistration;
  const later = next.expiresAt - earlier.expiresAt;
  if (isOfOneRegistration) return later >= -SAME_EXPIRY;
  return later >= -SAID_AGAIN.earlier && later <= SAID_AGAIN.later;
}
