// One subscription as its notifier sees it: a pure machine. RFC 6665 §4.2.
import { endsSubscription } from "./ending.ts";

/** One NOTIFY at a time per dialog; what comes up meanwhile goes into one later NOTIFY. */
interface NotifyQueue {
  readonly sent: boolean;
  /** "full": a SUBSCRIBE wants the whole state, or several changes came together. */
  readonly due: "nothing" | "change" | "full";
}

export interface LiveState extends NotifyQueue {
  readonly name: "pending" | "active";
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type NotifierState =
  | { readonly name: "init" }
  | LiveState
  | {
      readonly name: "ending";
      /** Parameters of `Subscription-State: terminated`; seconds. */
      readonly reason: string;
      readonly retryAfter?: number | undefined;
      /** Whether the last NOTIFY is under way, or waits for the one before it. */
      readonly lastSent: boolean;
    }
  | { readonly name: "terminated" };

/** Times in milliseconds since the epoch, durations in seconds. */
export type NotifierInput =
  | {
      readonly kind: "subscribed"; // a SUBSCRIBE that is answered 200 with this Expires
      readonly now: number;
      readonly expires: number;
      readonly state: "pending" | "active";
    }
  | { readonly kind: "changed"; readonly now: number }
  | {
      readonly kind: "terminate";
      readonly reason: string;
      readonly retryAfter?: number | undefined;
    }
  | { readonly kind: "expired" }
  | { readonly kind: "answered"; readonly now: number; readonly status: number }
  | { readonly kind: "failed"; readonly now: number; readonly timedOut: boolean };

export type SubscriptionEnd =
  /** The last NOTIFY says so (it goes out now, or after the one under way). */
  | { readonly kind: "notified"; readonly reason: string }
  /** A NOTIFY was answered with a status that ends the subscription. */
  | { readonly kind: "failed"; readonly status: number }
  /** A NOTIFY was not answered. */
  | { readonly kind: "timeout" }
  | { readonly kind: "forgotten" };

export type NotifierEffect =
  | { readonly kind: "notify"; readonly subscriptionState: string; readonly full: boolean }
  | { readonly kind: "expire"; readonly at: number } // replaces the deadline before
  | { readonly kind: "ended"; readonly end: SubscriptionEnd } // was live, is not any more
  | { readonly kind: "remove" };

export interface NotifierStep {
  readonly state: NotifierState;
  readonly effects: readonly NotifierEffect[];
}

export function isLive(state: NotifierState): state is LiveState {
  return state.name === "pending" || state.name === "active";
}

export function stepNotifier(state: NotifierState, input: NotifierInput): NotifierStep {
  switch (state.name) {
    case "init":
      return input.kind === "subscribed" ? begin(input) : { state, effects: [] };
    case "pending":
    case "active":
      return whileLive(state, input);
    case "ending":
      return whileEnding(state, input);
    case "terminated":
      return { state, effects: [] };
  }
}

type Input<Kind extends NotifierInput["kind"]> = Extract<NotifierInput, { kind: Kind }>;
type Ending = Extract<NotifierState, { name: "ending" }>;

function begin(input: Input<"subscribed">): NotifierStep {
  // §4.4.3: a fetch is a subscription that ends with its first NOTIFY
  if (input.expires === 0) return lastNotify({ name: "ending", reason: "timeout", lastSent: true });
  return subscribed({ sent: false, due: "nothing" }, input);
}

/** §4.2.1.2: every 200 to a SUBSCRIBE is followed by a NOTIFY at once. */
function subscribed(queue: NotifyQueue, input: Input<"subscribed">): NotifierStep {
  const expiresAt = input.now + input.expires * 1000;
  const live: LiveState = { name: input.state, expiresAt, ...queue };
  const next = notifyWhenFree(live, "full", input.now);
  return { state: next.state, effects: [{ kind: "expire", at: expiresAt }, ...next.effects] };
}

function whileLive(state: LiveState, input: NotifierInput): NotifierStep {
  switch (input.kind) {
    case "subscribed":
      if (input.expires === 0) return finish(state, "timeout");
      return subscribed({ sent: state.sent, due: state.due }, input);
    case "changed":
      return notifyWhenFree(state, "change", input.now);
    case "terminate":
      return finish(state, input.reason, input.retryAfter);
    case "expired":
      return finish(state, "timeout");
    case "answered":
      // 408 is RFC 3261 §12.2.1.2; the others are RFC 6665 §4.2.2
      if (endsSubscription(input.status) || input.status === 408)
        return dead({ kind: "failed", status: input.status });
      return sendDue({ ...state, sent: false }, input.now);
    case "failed":
      if (input.timedOut) return dead({ kind: "timeout" });
      return sendDue({ ...state, sent: false }, input.now);
  }
}

function notifyWhenFree(state: LiveState, due: "change" | "full", now: number): NotifierStep {
  const waiting = state.due === "nothing" ? due : "full";
  return state.sent
    ? { state: { ...state, due: waiting }, effects: [] }
    : sendDue({ ...state, due: waiting }, now);
}

function sendDue(state: LiveState, now: number): NotifierStep {
  if (state.due === "nothing") return { state, effects: [] };
  const subscriptionState = `${state.name};expires=${secondsLeft(state.expiresAt, now)}`;
  return {
    state: { ...state, sent: true, due: "nothing" },
    effects: [{ kind: "notify", subscriptionState, full: state.due === "full" }],
  };
}

/** Rounded down, as a NOTIFY may shorten but not lengthen (§4.2.2); 1 ms for a clock's fractions. */
function secondsLeft(expiresAt: number, now: number): number {
  return Math.max(0, Math.floor((expiresAt - now + 1) / 1000));
}

function finish(state: LiveState, reason: string, retryAfter?: number): NotifierStep {
  const ending: Ending = { name: "ending", reason, retryAfter, lastSent: !state.sent };
  const ended = { kind: "ended", end: { kind: "notified", reason } } as const;
  if (state.sent) return { state: ending, effects: [ended] };
  const last = lastNotify(ending);
  return { state: last.state, effects: [ended, ...last.effects] };
}

function lastNotify(ending: Ending): NotifierStep {
  const retry = ending.retryAfter === undefined ? "" : `;retry-after=${ending.retryAfter}`;
  const subscriptionState = `terminated;reason=${ending.reason}${retry}`;
  return { state: ending, effects: [{ kind: "notify", subscriptionState, full: true }] };
}

function whileEnding(state: Ending, input: NotifierInput): NotifierStep {
  switch (input.kind) {
    case "answered":
    case "failed":
      return state.lastSent || isGone(input) ? removed() : lastNotify({ ...state, lastSent: true });
    case "subscribed":
    case "changed":
    case "terminate":
    case "expired":
      return { state, effects: [] };
  }
}

/** The NOTIFY before the last one has shown that nobody takes the last one. */
function isGone(input: Input<"answered"> | Input<"failed">): boolean {
  return input.kind === "failed" ? input.timedOut : endsSubscription(input.status);
}

function dead(end: SubscriptionEnd): NotifierStep {
  const { state, effects } = removed();
  return { state, effects: [{ kind: "ended", end }, ...effects] };
}

function removed(): NotifierStep {
  return { state: { name: "terminated" }, effects: [{ kind: "remove" }] };
}
