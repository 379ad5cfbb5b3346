// Triggers for a re-registration, each obeyed once. RFC 3680 §5.3, TS 24.229 §5.1.1.5.2; docs/events.md.
import { refresh } from "./procedures.ts";
import type {
  Granted,
  ObeyedTrigger,
  RegisteredState,
  RegistrationContext,
  Step,
  Trigger,
} from "./state.ts";
import { lifetime } from "./timing.ts";

/** Enough for every subscription to repeat its trigger. */
const OBEYED_KEPT = 8;
/** Milliseconds by which two readings of one expiry may differ. */
const SAME_EXPIRY = 2_000;
/** A trigger after our REGISTER repeats the one before when its whole seconds lead to the same expiry, milliseconds. */
const REPEATED = { earlier: 1_000, later: 500 };

/** The triggers obeyed by now; undefined: this one was obeyed before, or is about an older REGISTER. */
function withTrigger(
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
  return later >= -REPEATED.earlier && later <= REPEATED.later;
}

/** TS 24.229 §5.1.1.5.2: a re-registration at once, or a shorter expiry; nothing for a trigger that was obeyed before. */
export function obey(context: RegistrationContext, state: RegisteredState, trigger: Trigger): Step {
  const { granted, memory } = state;
  const obeyed = withTrigger(context.now, memory.obeyed, granted, trigger);
  if (obeyed === undefined) return { state, effects: [] };
  const shortened = shorten(context.now, granted, trigger.expiresSeconds);
  const remembered = { ...memory, obeyed };
  if (trigger.urgency === "at-once") return refresh(context, remembered, shortened);
  return { state: { ...state, memory: remembered, granted: shortened }, effects: [] };
}

/** The event shortens; a longer value changes nothing. */
function shorten(now: number, granted: Granted, expiresSeconds: number | undefined): Granted {
  if (expiresSeconds === undefined) return granted;
  const times = lifetime(now, expiresSeconds);
  return times.expiresAt < granted.expiresAt ? { ...granted, ...times } : granted;
}
