// One call of a UE as a pure machine, caller's and callee's side. RFC 3261 §13, §14, §15; RFC 6026.

/** What a UE does when it is called. */
export type IncomingPolicy = "answer" | "ring" | "busy" | "decline";

export type CallState =
  /** INVITE sent; `leaving`: hung up meanwhile, CANCEL on its way. */
  | { readonly name: "inviting"; readonly ringing: boolean; readonly leaving: boolean }
  /** Called, 180 sent. */
  | { readonly name: "ringing" }
  /** 2xx sent, no ACK yet; a BYE has to wait for it (§15). */
  | { readonly name: "answered"; readonly interval: number; readonly leaving: boolean }
  | { readonly name: "up"; readonly held: Held; readonly offer: Offer }
  /** BYE sent. */
  | { readonly name: "ending"; readonly why: string }
  | { readonly name: "over"; readonly why: string };

/** Who has put the call on hold. */
export interface Held {
  readonly here: boolean;
  readonly there: boolean;
}

/** What a re-INVITE is waiting for: its answer, or the ACK of ours. */
export type Offer =
  | { readonly name: "none" }
  | { readonly name: "sent"; readonly hold: boolean }
  | { readonly name: "answered"; readonly interval: number };

export type CallInput =
  | { readonly kind: "dial" }
  | { readonly kind: "called"; readonly policy: IncomingPolicy; readonly engaged: boolean }
  | { readonly kind: "answer" }
  | { readonly kind: "hang-up" }
  | { readonly kind: "hold"; readonly on: boolean }
  /** To our INVITE, first or later. */
  | { readonly kind: "response"; readonly status: number }
  | { readonly kind: "no-response"; readonly why: string }
  | { readonly kind: "cancelled" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "re-invited"; readonly hold: boolean }
  | { readonly kind: "bye" }
  /** The BYE was answered, or nobody answers it. */
  | { readonly kind: "left" }
  | { readonly kind: "timer"; readonly timer: CallTimer };

/** `no-answer`: nobody picks up here; `repeat`, `no-ack`: a 2xx waits for its ACK (§13.3.1.4). */
export type CallTimer = "no-answer" | "repeat" | "no-ack";

export type CallEffect =
  | { readonly kind: "invite" }
  | { readonly kind: "cancel" }
  | { readonly kind: "ack" }
  | { readonly kind: "bye" }
  | { readonly kind: "re-invite"; readonly hold: boolean }
  /** To the INVITE that came first, or to the last one. */
  | { readonly kind: "respond"; readonly status: number }
  | { readonly kind: "repeat" }
  | { readonly kind: "start"; readonly timer: CallTimer; readonly ms: number }
  | { readonly kind: "stop"; readonly timer: CallTimer };

export interface CallContext {
  /** Milliseconds. */
  readonly t1: number;
  readonly t2: number;
  readonly noAnswerMs: number;
}

export interface CallStep {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

const NOT_HELD: Held = { here: false, there: false };
const NO_OFFER: Offer = { name: "none" };
export const IDLE: CallState = { name: "inviting", ringing: false, leaving: false };

export function stepCall(context: CallContext, state: CallState, input: CallInput): CallStep {
  switch (state.name) {
    case "inviting":
      return whileInviting(context, state, input);
    case "ringing":
      return whileRinging(context, state, input);
    case "answered":
      return whileAnswered(context, state, input);
    case "up":
      return whileUp(context, state, input);
    case "ending":
      return whileEnding(state, input);
    case "over":
      return stay(state);
  }
}

function whileInviting(
  context: CallContext,
  state: Extract<CallState, { name: "inviting" }>,
  input: CallInput,
): CallStep {
  switch (input.kind) {
    case "dial":
      return { state, effects: [{ kind: "invite" }] };
    case "called":
      return called(context, input.policy, input.engaged);
    case "hang-up":
      return { state: { ...state, leaving: true }, effects: [{ kind: "cancel" }] };
    case "no-response":
      return over(input.why);
    case "response":
      return onFirstResponse(state, input.status);
    case "answer":
    case "hold":
    case "cancelled":
    case "acknowledged":
    case "re-invited":
    case "bye":
    case "left":
    case "timer":
      return stay(state);
  }
}

function called(context: CallContext, policy: IncomingPolicy, engaged: boolean): CallStep {
  if (engaged || policy === "busy") return over("busy", [{ kind: "respond", status: 486 }]);
  if (policy === "decline") return over("declined", [{ kind: "respond", status: 603 }]);
  const ringing: CallStep = {
    state: { name: "ringing" },
    effects: [
      { kind: "respond", status: 180 },
      { kind: "start", timer: "no-answer", ms: context.noAnswerMs },
    ],
  };
  if (policy === "ring") return ringing;
  const { state, effects } = pickUp(context);
  return { state, effects: [...ringing.effects, ...effects] };
}

function onFirstResponse(
  state: Extract<CallState, { name: "inviting" }>,
  status: number,
): CallStep {
  if (status < 200) return stay({ ...state, ringing: state.ringing || status === 180 });
  if (status >= 300) return over(state.leaving ? "cancelled" : `answered ${status}`);
  const ack: CallEffect = { kind: "ack" };
  if (!state.leaving) return { state: up(), effects: [ack] };
  // §9.1: the 2xx crossed our CANCEL.
  return { state: { name: "ending", why: "cancelled" }, effects: [ack, { kind: "bye" }] };
}

function whileRinging(context: CallContext, state: CallState, input: CallInput): CallStep {
  switch (input.kind) {
    case "answer":
      return pickUp(context);
    case "hang-up":
      return leaveRinging("declined", 603);
    case "cancelled":
      return leaveRinging("cancelled", 487);
    case "timer":
      return input.timer === "no-answer" ? leaveRinging("not answered", 480) : stay(state);
    case "dial":
    case "called":
    case "hold":
    case "response":
    case "no-response":
    case "acknowledged":
    case "re-invited":
    case "bye":
    case "left":
      return stay(state);
  }
}

function pickUp({ t1 }: CallContext): CallStep {
  return {
    state: { name: "answered", interval: t1, leaving: false },
    effects: [
      { kind: "stop", timer: "no-answer" },
      { kind: "respond", status: 200 },
      ...awaitAck(t1),
    ],
  };
}

function awaitAck(t1: number): CallEffect[] {
  return [
    { kind: "start", timer: "repeat", ms: t1 },
    { kind: "start", timer: "no-ack", ms: 64 * t1 },
  ];
}

function leaveRinging(why: string, status: number): CallStep {
  return over(why, [
    { kind: "stop", timer: "no-answer" },
    { kind: "respond", status },
  ]);
}

function whileAnswered(
  context: CallContext,
  state: Extract<CallState, { name: "answered" }>,
  input: CallInput,
): CallStep {
  switch (input.kind) {
    case "acknowledged":
      return state.leaving
        ? leave("hung up here", ACKNOWLEDGED)
        : { state: up(), effects: ACKNOWLEDGED };
    case "hang-up":
      return stay({ ...state, leaving: true });
    case "bye":
      return over("hung up there", ACKNOWLEDGED);
    case "timer":
      if (input.timer === "no-ack") return leave("no ACK", ACKNOWLEDGED);
      return input.timer === "repeat" ? repeatAnswer(context, state) : stay(state);
    case "dial":
    case "called":
    case "answer":
    case "hold":
    case "response":
    case "no-response":
    case "cancelled":
    case "re-invited":
    case "left":
      return stay(state);
  }
}

const ACKNOWLEDGED: readonly CallEffect[] = [
  { kind: "stop", timer: "repeat" },
  { kind: "stop", timer: "no-ack" },
];

function repeatAnswer(
  { t2 }: CallContext,
  state: Extract<CallState, { name: "answered" }>,
): CallStep {
  const interval = Math.min(2 * state.interval, t2); // §13.3.1.4: doubles up to T2
  return { state: { ...state, interval }, effects: repeatAfter(interval) };
}

function repeatAfter(ms: number): CallEffect[] {
  return [{ kind: "repeat" }, { kind: "start", timer: "repeat", ms }];
}

type Up = Extract<CallState, { name: "up" }>;

function whileUp(context: CallContext, state: Up, input: CallInput): CallStep {
  switch (input.kind) {
    case "hang-up":
      return leave("hung up here", ACKNOWLEDGED);
    case "bye":
      return over("hung up there", ACKNOWLEDGED);
    case "hold":
      return offerHold(state, input.on);
    case "response":
      return onOfferResponse(state, input.status);
    case "no-response":
      return state.offer.name === "sent" ? leave(input.why) : stay(state);
    case "re-invited":
      return onReInvite(context, state, input.hold);
    case "acknowledged":
      return state.offer.name === "answered"
        ? { state: { ...state, offer: NO_OFFER }, effects: ACKNOWLEDGED }
        : stay(state);
    case "timer":
      return onAnsweredTimer(context, state, input.timer);
    case "dial":
    case "called":
    case "answer":
    case "cancelled":
    case "left":
      return stay(state);
  }
}

/** §14.1: one offer at a time. */
function offerHold(state: Up, on: boolean): CallStep {
  if (state.offer.name !== "none" || state.held.here === on) return stay(state);
  return {
    state: { ...state, offer: { name: "sent", hold: on } },
    effects: [{ kind: "re-invite", hold: on }],
  };
}

function onOfferResponse(state: Up, status: number): CallStep {
  if (state.offer.name !== "sent" || status < 200) return stay(state);
  const settled: Up = { ...state, offer: NO_OFFER };
  if (status < 300) {
    const held = { ...state.held, here: state.offer.hold };
    return { state: { ...settled, held }, effects: [{ kind: "ack" }] };
  }
  // §14.1: the dialog is gone; anything else leaves the call as it was.
  return status === 408 || status === 481 ? leave(`answered ${status}`) : stay(settled);
}

function onReInvite({ t1 }: CallContext, state: Up, hold: boolean): CallStep {
  if (state.offer.name === "sent") return { state, effects: [{ kind: "respond", status: 491 }] };
  if (state.offer.name === "answered")
    return { state, effects: [{ kind: "respond", status: 500 }] };
  return {
    state: {
      ...state,
      held: { ...state.held, there: hold },
      offer: { name: "answered", interval: t1 },
    },
    effects: [{ kind: "respond", status: 200 }, ...awaitAck(t1)],
  };
}

function onAnsweredTimer({ t2 }: CallContext, state: Up, timer: CallTimer): CallStep {
  if (state.offer.name !== "answered") return stay(state);
  if (timer === "no-ack") return leave("no ACK", ACKNOWLEDGED);
  if (timer !== "repeat") return stay(state);
  const interval = Math.min(2 * state.offer.interval, t2);
  return {
    state: { ...state, offer: { name: "answered", interval } },
    effects: repeatAfter(interval),
  };
}

function whileEnding(state: Extract<CallState, { name: "ending" }>, input: CallInput): CallStep {
  return input.kind === "left" || input.kind === "bye" ? over(state.why) : stay(state);
}

function up(): Up {
  return { name: "up", held: NOT_HELD, offer: NO_OFFER };
}

function leave(why: string, before: readonly CallEffect[] = []): CallStep {
  return { state: { name: "ending", why }, effects: [...before, { kind: "bye" }] };
}

function over(why: string, effects: readonly CallEffect[] = []): CallStep {
  return { state: { name: "over", why }, effects };
}

function stay(state: CallState): CallStep {
  return { state, effects: [] };
}
