// The subscription to one's own registration as a pure machine: one function per input. TS 24.229 §5.1.1.3, RFC 6665 §4.1.2, §4.1.3.

import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import { obeyedSeconds } from "../registration/timing.ts";
import type {
  SubscriptionContext,
  SubscriptionEffect,
  SubscriptionInput,
  SubscriptionPhase,
  SubscriptionState,
  SubscriptionStep,
} from "./state.ts";

type Input<Kind extends SubscriptionInput["kind"]> = Extract<SubscriptionInput, { kind: Kind }>;

/** Milliseconds by which two readings of one expiry may differ. */
const SAME_EXPIRY = 2_000;
/** After the registration's end the last NOTIFY may still be on its way (64*T1 of TS 24.229). */
const LINGER_MS = 128_000;
/**
 * A first SUBSCRIBE without an answer is followed by another one: the network may de-register a UE that has not
 * subscribed, sooner than Timer F ends (32 s in this lab).
 */
const ASK_AGAIN_MS = 8_000;
/** So often; then Timer F decides. */
const QUICK_ATTEMPTS = 4;
/** Between two refreshes for what is missing. */
const GAP_PAUSE_MS = 30_000;
const LONGEST_PAUSE_SECONDS = 1_800;
/** The next SUBSCRIBE after one that was refused as if the registration were lost, while the registration stands. */
const LOST_PAUSE_SECONDS = 30;
/** One that lived this long did not end for a reason that will repeat at once. */
const SETTLED_MS = 60_000;

export function stepSubscription(
  context: SubscriptionContext,
  state: SubscriptionState,
  input: SubscriptionInput,
): SubscriptionStep {
  switch (input.kind) {
    case "registered":
      return registered(context, state, input);
    case "deregistered":
      return deregistered(context, state);
    case "flow-lost":
      return flowLost(state);
    case "heard":
      return heard(context, state, input.expiresAt);
    case "refused":
      return refused(context, state, input.status);
    case "ended":
      return ended(context, state, input.ending);
    case "stale":
      return exists(state) ? startAgain(context, state) : stay(state);
    case "gap":
      return gap(context, state);
    case "due":
      return due(context, state);
  }
}

function stay(state: SubscriptionState): SubscriptionStep {
  return { state, effects: [] };
}

function to(
  state: SubscriptionState,
  phase: SubscriptionPhase,
  effects: readonly SubscriptionEffect[] = [],
): SubscriptionStep {
  return { state: { ...state, phase }, effects };
}

/** Whether there is a subscription, or a SUBSCRIBE for one. */
function exists({ phase }: SubscriptionState): boolean {
  return phase.name === "asking" || phase.name === "granted" || phase.name === "active";
}

function registered(
  context: SubscriptionContext,
  before: SubscriptionState,
  { first, serviceRoute, expiresAt }: Input<"registered">,
): SubscriptionStep {
  const isForgotten = before.serviceRoute !== serviceRoute;
  const state = { ...before, serviceRoute };
  const { phase } = state;
  // A registration that begins has troubles of its own, and a duty to subscribe in time.
  if (first || isForgotten) return start(context, { ...state, setbacks: 0 });
  // A refusal may be a slip, and a pause of ours ends with a sign of life.
  const comesNow =
    (phase.name === "none" && phase.comesWith === "register") ||
    (phase.name === "paused" && phase.comesWithRegister);
  if (comesNow) return start(context, state);
  // The seed's dashed messages: what ends before the new registration is renewed with it.
  const isDue = phase.name === "active" && (phase.isOverdue || phase.expiresAt < expiresAt);
  return isDue ? refresh(state) : stay(state);
}

function start(context: SubscriptionContext, state: SubscriptionState): SubscriptionStep {
  const { now } = context;
  if (!context.isRegistered) return to(state, { name: "none", comesWith: "initial" });
  const giveUpAt = state.setbacks < QUICK_ATTEMPTS ? now + ASK_AGAIN_MS : undefined;
  return to({ ...state, startedAt: now }, { name: "asking", giveUpAt }, [{ kind: "subscribe" }]);
}

function refresh(state: SubscriptionState): SubscriptionStep {
  const { phase } = state;
  if (phase.name !== "active") return stay(state);
  return to(state, { ...phase, refreshAt: undefined, isOverdue: false }, [{ kind: "refresh" }]);
}

function deregistered({ now }: SubscriptionContext, state: SubscriptionState): SubscriptionStep {
  return exists(state)
    ? to(state, { name: "lingering", until: now + LINGER_MS })
    : to(state, { name: "none", comesWith: "initial" });
}

/** The answer to the refresh is a document, too: where each of them leaves versions out, one asking leads to the next. */
function gap({ now }: SubscriptionContext, state: SubscriptionState): SubscriptionStep {
  if (state.phase.name !== "active" || now < state.nextGapAt) return stay(state);
  return refresh({ ...state, nextGapAt: now + GAP_PAUSE_MS });
}

/** RFC 3261 §17.1.2.2: nothing is sent twice over a connection, so a first SUBSCRIBE went down with it. */
function flowLost(state: SubscriptionState): SubscriptionStep {
  const { name } = state.phase;
  if (name !== "asking" && name !== "granted") return stay(state);
  return to(state, { name: "none", comesWith: "register" }, [{ kind: "forget" }]);
}

/** TS 24.229 §5.1.1.3: the same 600 s / half-time rule as for the registration. */
function heard(
  { now }: SubscriptionContext,
  state: SubscriptionState,
  expiresAt: number | undefined,
): SubscriptionStep {
  const { phase } = state;
  if (!exists(state)) return stay(state);
  if (expiresAt === undefined) return to(state, { name: "granted" });
  if (phase.name === "active" && Math.abs(expiresAt - phase.expiresAt) < SAME_EXPIRY)
    return stay(state);
  const refreshAt = now + renewalDelaySeconds((expiresAt - now) / 1000) * 1000;
  return to(state, { name: "active", expiresAt, refreshAt, isOverdue: false });
}

/** A refused refresh with such a status ends the subscription here; a refused first SUBSCRIBE ends it by `ended`. */
function refused(
  context: SubscriptionContext,
  state: SubscriptionState,
  status: number,
): SubscriptionStep {
  const isForgotten = state.phase.name === "active" && tellsLoss(status);
  if (!isForgotten) return stay(state);
  const lost = whenLost(context, state, status);
  return { state: lost.state, effects: [{ kind: "forget" }, ...lost.effects] };
}

/** To a request for one's own registration: who asks is not known (any more). */
function tellsLoss(status: number): boolean {
  return status === 403 || status === 481;
}

function whenLost(
  context: SubscriptionContext,
  state: SubscriptionState,
  status: number,
): SubscriptionStep {
  const counted = count(context, state);
  const seconds = Math.min(LOST_PAUSE_SECONDS * 2 ** (counted.setbacks - 1), LONGEST_PAUSE_SECONDS);
  const lost = { kind: "lost", why: `SUBSCRIBE answered ${status}` } as const;
  return pause(context, counted, { seconds, comesWithRegister: true, effects: [lost] });
}

function ended(
  context: SubscriptionContext,
  state: SubscriptionState,
  { why, resubscribe }: Ending,
): SubscriptionStep {
  if (!exists(state)) return stay(state);
  // A refresh that ended it is followed by a first SUBSCRIBE; a first one depends on the answer.
  if (why.kind === "refused" && (state.phase.name !== "active" || tellsLoss(why.status)))
    return firstRefused(context, state, why);
  switch (resubscribe.kind) {
    case "now":
      return startAgain(context, state);
    case "later": {
      const counted = count(context, state);
      const seconds =
        why.kind === "unreachable"
          ? pauseSeconds(context, counted)
          : obeyed(context, counted, resubscribe.seconds);
      // Not what a NOTIFY has put off (RFC 6665 §4.1.3).
      const comesWithRegister = why.kind === "unreachable";
      return pause(context, counted, { seconds, comesWithRegister });
    }
    case "never":
      return to(state, { name: "none", comesWith: "initial" });
  }
}

function firstRefused(
  context: SubscriptionContext,
  state: SubscriptionState,
  { status, retryAfter }: Extract<Ending["why"], { kind: "refused" }>,
): SubscriptionStep {
  if (status === 489 && state.package === OWN_PACKAGE) {
    // RFC 3680 is the standard's way to the same.
    const other: SubscriptionState = { ...state, package: REG_PACKAGE };
    return pause(context, other, { seconds: 0, comesWithRegister: true });
  }
  if (tellsLoss(status)) return whenLost(context, state, status);
  const counted = count(context, state);
  if (retryAfter !== undefined) {
    const seconds = obeyed(context, counted, retryAfter);
    return pause(context, counted, { seconds, comesWithRegister: false });
  }
  if (!mayPass(status)) return to(state, { name: "none", comesWith: "register" });
  const seconds = pauseSeconds(context, counted);
  return pause(context, counted, { seconds, comesWithRegister: true });
}

/** Answers that a later SUBSCRIBE may not meet again. */
function mayPass(status: number): boolean {
  return (
    status === 408 ||
    status === 430 ||
    status === 480 ||
    (status >= 500 && status < 600 && status !== 501)
  );
}

/** At once, unless that has not helped lately. */
function startAgain(context: SubscriptionContext, state: SubscriptionState): SubscriptionStep {
  const counted = count(context, state);
  const seconds = counted.setbacks < 3 ? 0 : pauseSeconds(context, counted);
  return pause(context, counted, {
    seconds,
    comesWithRegister: true,
    effects: [{ kind: "forget" }],
  });
}

function count({ now }: SubscriptionContext, state: SubscriptionState): SubscriptionState {
  const isQuick = now - state.startedAt < SETTLED_MS;
  return { ...state, setbacks: isQuick ? state.setbacks + 1 : 1 };
}

/** 2 s, 4 s, 8 s, 16 s: four more attempts within the 32 s that the network of this lab waits. */
function pauseSeconds({ random }: SubscriptionContext, { setbacks }: SubscriptionState): number {
  const longest = Math.min(2 ** Math.max(setbacks, 1), LONGEST_PAUSE_SECONDS);
  return longest * (0.75 + random.fraction() / 4);
}

function obeyed(
  { random }: SubscriptionContext,
  { setbacks }: SubscriptionState,
  seconds: number,
): number {
  return obeyedSeconds(seconds, Math.max(setbacks, 1), random);
}

interface Pause {
  readonly seconds: number;
  readonly comesWithRegister: boolean;
  readonly effects?: readonly SubscriptionEffect[];
}

/** Later even when at once: the NOTIFY that ended it may end the registration too. */
function pause(
  { now }: SubscriptionContext,
  state: SubscriptionState,
  { seconds, comesWithRegister, effects = [] }: Pause,
): SubscriptionStep {
  const until = now + seconds * 1000;
  return to(state, { name: "paused", until, comesWithRegister }, effects);
}

function due(context: SubscriptionContext, state: SubscriptionState): SubscriptionStep {
  const { phase } = state;
  switch (phase.name) {
    case "asking":
      return start(context, count(context, state));
    case "active":
      return context.isPending
        ? to(state, { ...phase, refreshAt: undefined, isOverdue: true })
        : refresh(state);
    case "paused":
      return start(context, state);
    case "lingering":
      return to(state, { name: "none", comesWith: "initial" }, [{ kind: "forget" }]);
    case "none":
    case "granted":
      return stay(state);
  }
}
