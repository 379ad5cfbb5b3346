// One subscription as its subscriber sees it: a pure machine. RFC 6665 §4.1.2.
import { afterRefusal, afterTermination, endsSubscription, type Resubscribe } from "./ending.ts";
import type {
  Ending,
  Established,
  NotifyWait,
  OpenRequest,
  SubscriberContext,
  SubscriberEffect,
  SubscriberInput,
  SubscriberState,
  SubscriberStep,
} from "./subscriber-state.ts";

type Input<Kind extends SubscriberInput["kind"]> = Extract<SubscriberInput, { kind: Kind }>;

const MAX_423_RETRIES = 2;
const MAX_SECONDS = 2 ** 32 - 1;
/** Milliseconds by which two readings of one expiry may differ. */
const SAME_EXPIRY = 2000;
const LEAST_RETRY_MS = 10_000;

export function stepSubscriber(
  context: SubscriberContext,
  state: SubscriberState,
  input: SubscriberInput,
): SubscriberStep {
  switch (state.name) {
    case "init":
      if (input.kind !== "subscribe") return { state, effects: [] };
      return send(context, { name: "notifyWait" }, input.expires, input.now);
    case "notifyWait":
      return inNotifyWait(context, state, input);
    case "pending":
    case "active":
      return whenEstablished(context, state, input);
    case "terminated":
      return { state, effects: [] };
  }
}

function inNotifyWait(
  context: SubscriberContext,
  state: NotifyWait,
  input: SubscriberInput,
): SubscriberStep {
  switch (input.kind) {
    case "subscribe": // no dialog yet to send it in
      return { state: { ...state, next: input.expires }, effects: [] };
    case "response":
      return firstAnswered(context, state, input);
    case "failure":
      return end({ kind: "unreachable", failure: input.why }, afterRefusal(503));
    case "notify":
      return notified(context, state, input);
    case "timer": // only N runs; RFC 6665 §4.1.2.4
      return end(...(state.open.asked === 0 ? left() : noNotify()));
  }
}

function firstAnswered(
  context: SubscriberContext,
  state: NotifyWait,
  input: Input<"response">,
): SubscriberStep {
  const { status, now } = input;
  if (status < 200) return { state, effects: [] };
  if (status < 300) {
    const granted = Math.min(input.expires ?? state.open.asked, MAX_SECONDS);
    const open = { ...state.open, answered: true };
    const effects: SubscriberEffect[] = granted > 0 ? [{ kind: "granted", expires: granted }] : [];
    return { state: { ...state, open, granted }, effects };
  }
  const longer = longerExpires(state.open, input);
  if (longer !== undefined)
    return send(context, { name: "notifyWait", next: state.next }, longer, now, state.open);
  return end(refusedBy(input), afterRefusal(status, input.retryAfter));
}

/** RFC 6665 §4.1.2.1: 423 names the shortest duration; undefined when that is no help. */
function longerExpires(open: OpenRequest, input: Input<"response">): number | undefined {
  if (input.status !== 423 || input.minExpires === undefined) return undefined;
  return open.retries < MAX_423_RETRIES && input.minExpires > open.asked && open.asked > 0
    ? input.minExpires
    : undefined;
}

function whenEstablished(
  context: SubscriberContext,
  state: Established,
  input: SubscriberInput,
): SubscriberStep {
  switch (input.kind) {
    case "subscribe":
      if (state.open !== undefined)
        return { state: { ...state, next: input.expires }, effects: [] };
      return send(context, state, input.expires, input.now);
    case "response":
      return refreshAnswered(context, state, input);
    case "failure":
      return refreshFailed(context, state, input);
    case "notify":
      return notified(context, state, input);
    case "timer":
      return timerFired(context, state, input);
  }
}

function refreshAnswered(
  context: SubscriberContext,
  state: Established,
  input: Input<"response">,
): SubscriberStep {
  const { open } = state;
  const { status, now } = input;
  if (open === undefined || status < 200) return { state, effects: [] };
  if (status >= 300) return refreshRefused(context, state, open, input);
  if (open.asked === 0)
    return { state: { ...state, open: { ...open, answered: true } }, effects: [] };
  const granted = Math.min(input.expires ?? open.asked, MAX_SECONDS);
  // A NOTIFY that overtook the 2xx may have shortened it; one that crossed it is corrected by the next.
  const until = now + granted * 1000;
  const expiresAt = open.notified ? Math.min(until, state.expiresAt) : until;
  const kept: Established = { ...state, expiresAt, open: { ...open, answered: true } };
  const done = goOn(context, kept, now);
  const effects: SubscriberEffect[] = [{ kind: "granted", expires: granted }];
  return { ...done, effects: [...effects, ...schedule(context, kept, now), ...done.effects] };
}

function refreshRefused(
  context: SubscriberContext,
  state: Established,
  open: OpenRequest,
  input: Input<"response">,
): SubscriberStep {
  const { status, now, retryAfter } = input;
  if (open.asked === 0) return end(...left());
  if (endsSubscription(status)) return end(refusedBy(input), { kind: "now" });
  const longer = longerExpires(open, input);
  if (longer !== undefined) return send(context, state, longer, now, open);
  return retryLater(context, state, now, retryAfter);
}

function refreshFailed(
  context: SubscriberContext,
  state: Established,
  input: Input<"failure">,
): SubscriberStep {
  const { open } = state;
  if (open === undefined) return { state, effects: [] };
  if (open.asked === 0) return end(...left());
  if (open.notified)
    return goOn(context, { ...state, open: { ...open, answered: true } }, input.now);
  if (input.why === "timeout") return end(...noNotify()); // Timer F and Timer N are one instant
  return retryLater(context, state, input.now);
}

/** RFC 6665 §4.1.2.2: the subscription lives on until its known expiry; try again before it. */
function retryLater(
  context: SubscriberContext,
  state: Established,
  now: number,
  retryAfter?: number,
): SubscriberStep {
  const half = Math.max((state.expiresAt - now) / 2, context.timerN);
  // RFC 3261 §20.33 sets no least value: a peer that says 0 each time would be asked without end.
  const asked = Math.max((retryAfter ?? 0) * 1000, LEAST_RETRY_MS);
  const spread = (context.spread?.() ?? 0) * (asked / 4);
  const at = now + (retryAfter === undefined ? half : asked + spread);
  const effects: SubscriberEffect[] = [{ kind: "stop", timer: "N" }];
  if (at < state.expiresAt) effects.push({ kind: "set", timer: "refresh", at });
  const { next } = state;
  const quiet: Established = { name: state.name, expiresAt: state.expiresAt };
  if (next !== 0) return { state: quiet, effects };
  const leaving = send(context, quiet, 0, now);
  return { ...leaving, effects: [...effects, ...leaving.effects] };
}

function timerFired(
  context: SubscriberContext,
  state: Established,
  input: Input<"timer">,
): SubscriberStep {
  const { open } = state;
  switch (input.timer) {
    case "N":
      return end(...(open?.asked === 0 ? left() : noNotify()));
    case "expiry":
      return end({ kind: "expired" }, { kind: "now" });
    case "refresh":
      if (open !== undefined) return { state, effects: [] };
      return send(context, state, context.expires, input.now);
  }
}

function notified(
  context: SubscriberContext,
  state: NotifyWait | Established,
  input: Input<"notify">,
): SubscriberStep {
  const { now } = input;
  const name = input.state.toLowerCase();
  const isLeaving = state.open?.asked === 0 || state.next === 0;
  if (name === "terminated") {
    const why = { kind: "terminated", reason: input.reason } as const;
    return isLeaving ? end(...left()) : end(why, afterTermination(input.reason, input.retryAfter));
  }
  const established: Established = {
    name: name === "pending" ? "pending" : "active",
    expiresAt: expiryAfter(state, input),
    open: state.open && { ...state.open, notified: true },
    next: state.next,
  };
  if (state.open?.asked === 0) return { state: established, effects: [] }; // N goes on: the last NOTIFY
  const done = goOn(context, established, now);
  const timers = isSameExpiry(state, established) ? [] : schedule(context, established, now);
  return { ...done, effects: [{ kind: "stop", timer: "N" }, ...timers, ...done.effects] };
}

/** RFC 6665 §4.1.3: `expires` of a NOTIFY is what counts; else the 2xx, else what was asked. */
function expiryAfter(state: NotifyWait | Established, input: Input<"notify">): number {
  if (input.expires !== undefined) return input.now + Math.min(input.expires, MAX_SECONDS) * 1000;
  if (state.name !== "notifyWait") return state.expiresAt;
  return input.now + (state.granted ?? state.open.asked) * 1000;
}

/** Many NOTIFYs that say the same expiry must not push the refresh back each time. */
function isSameExpiry(before: NotifyWait | Established, after: Established): boolean {
  if (before.name === "notifyWait") return false;
  return Math.abs(before.expiresAt - after.expiresAt) < SAME_EXPIRY;
}

/** Sets the timers of a subscription that lives until `expiresAt`. */
function schedule(context: SubscriberContext, state: Established, now: number): SubscriberEffect[] {
  const left = Math.max(state.expiresAt - now, 0);
  const effects: SubscriberEffect[] = [{ kind: "set", timer: "expiry", at: state.expiresAt }];
  const after = context.refreshAfter(left / 1000);
  if (after !== undefined && after * 1000 < left)
    effects.push({ kind: "set", timer: "refresh", at: now + after * 1000 });
  return effects;
}

/** When the open SUBSCRIBE is through, the one that waited for it goes out. */
function goOn(context: SubscriberContext, state: Established, now: number): SubscriberStep {
  const { open, next } = state;
  const isThrough = open === undefined || (open.answered && open.notified);
  if (!isThrough) return { state, effects: [] };
  const quiet: Established = { name: state.name, expiresAt: state.expiresAt };
  return next === undefined ? { state: quiet, effects: [] } : send(context, quiet, next, now);
}

function send(
  context: SubscriberContext,
  state: Established | Omit<NotifyWait, "open">,
  expires: number,
  now: number,
  previous?: OpenRequest,
): SubscriberStep {
  const retries = previous === undefined ? 0 : previous.retries + 1;
  const open: OpenRequest = { asked: expires, retries, answered: false, notified: false };
  return {
    state: { ...state, open },
    effects: [
      { kind: "send", expires },
      { kind: "set", timer: "N", at: now + context.timerN },
      { kind: "stop", timer: "refresh" },
    ],
  };
}

function refusedBy({ status, retryAfter, isServed }: Input<"response">): Ending["why"] {
  return {
    kind: "refused",
    status,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(isServed === true && { isServed }),
  };
}

function noNotify(): [Ending["why"], Resubscribe] {
  return [{ kind: "no-notify" }, { kind: "now" }];
}

function left(): [Ending["why"], Resubscribe] {
  return [{ kind: "left" }, { kind: "never" }];
}

function end(why: Ending["why"], resubscribe: Resubscribe): SubscriberStep {
  return {
    state: { name: "terminated" },
    effects: [
      { kind: "stop", timer: "N" },
      { kind: "stop", timer: "refresh" },
      { kind: "stop", timer: "expiry" },
      { kind: "ended", ending: { why, resubscribe } },
    ],
  };
}
