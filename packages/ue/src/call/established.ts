// An established call as a pure machine: hold and its end by re-INVITE, refreshes. RFC 3261 §14, §15; RFC 3264 §8.4; RFC 4028 §10.
import {
  ACKNOWLEDGED,
  agreeOnSession,
  awaitAck,
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallStep,
  type CallTimer,
  type EstablishedCall,
  leave,
  type Offer,
  over,
  repeatAfter,
  stay,
} from "./call-state.ts";

const NO_OFFER: Offer = { name: "none" };
const NOT_AGAIN: CallEffect = { kind: "stop", timer: "again" };
const QUIET: readonly CallEffect[] = [
  ...ACKNOWLEDGED,
  NOT_AGAIN,
  { kind: "stop", timer: "refresh" },
  { kind: "stop", timer: "session" },
];
/** A refresh that met something else, in units of T1. */
const REFRESH_AGAIN = 10;

export function whileUp(context: CallContext, state: EstablishedCall, input: CallInput): CallStep {
  switch (input.kind) {
    case "hang-up":
      return leave(context, "hung up here", QUIET);
    case "bye":
      return over("hung up there", QUIET);
    case "hold":
      return offerHold(state, input.on);
    case "response":
      return onOfferResponse(context, state, input.status);
    case "no-response":
      return state.offer.name === "sent" ? leave(context, input.why, QUIET) : stay(state);
    case "unusable-answer": // §12.2.1.2: the target stays as it was
      return onOfferResponse(context, state, 200);
    case "session-too-brief":
      return state.offer.name === "sent"
        ? { state, effects: [{ kind: "re-invite", hold: state.offer.hold }] }
        : stay(state);
    case "session":
      return { state, effects: agreeOnSession(input.seconds, input.here) };
    case "re-offer":
      return refreshByOffer(context, state);
    case "refreshed":
      return onRefreshed(context, state, input.status);
    case "refresh-failed":
      return leave(context, `refresh: ${input.why}`, QUIET);
    case "updated":
      return stay(heldThere(state, input.hold));
    case "re-invited":
      return onReInvite(context, state, input.hold);
    case "acknowledged":
      return state.offer.name === "answered"
        ? { state: { ...heldThere(state, input.hold), offer: NO_OFFER }, effects: ACKNOWLEDGED }
        : stay(state);
    case "timer":
      return onTimer(context, state, input.timer);
    case "dial":
    case "called":
    case "answer":
    case "cancelled":
    case "left":
      return stay(state);
  }
}

function onTimer(context: CallContext, state: EstablishedCall, timer: CallTimer): CallStep {
  switch (timer) {
    case "again":
      return offerAgain(state);
    case "refresh":
      return { state, effects: [{ kind: "refresh" }] };
    case "session":
      return leave(context, "session expired", QUIET);
    case "repeat":
    case "no-ack":
      return onAnsweredTimer(context, state, timer);
    case "no-answer":
    case "no-final":
    case "left":
      return stay(state);
  }
}

function refreshSoon({ t1 }: CallContext, state: EstablishedCall): CallStep {
  return { state, effects: [{ kind: "start", timer: "refresh", ms: REFRESH_AGAIN * t1 }] };
}

/** RFC 4028 §7.4: an offer that changes nothing. */
function refreshByOffer(context: CallContext, state: EstablishedCall): CallStep {
  if (state.offer.name !== "none") return refreshSoon(context, state);
  const { here: hold } = state.held;
  return {
    state: { ...state, offer: { name: "sent", hold, refresh: true } },
    effects: [{ kind: "re-invite", hold }],
  };
}

/** RFC 4028 §10: 408 and 481 end the call; after any other failure a later refresh may succeed before the session ends. */
function onRefreshed(context: CallContext, state: EstablishedCall, status: number): CallStep {
  if (status === 408 || status === 481) return leave(context, `refresh: ${status}`, QUIET);
  return status < 300 ? stay(state) : refreshSoon(context, state);
}

/** §14.1: one offer at a time. */
function offerHold(state: EstablishedCall, on: boolean): CallStep {
  if (state.offer.name !== "none") return stay(state);
  const settled: EstablishedCall = { ...state, again: undefined };
  const effects = state.again === undefined ? [] : [NOT_AGAIN];
  if (state.held.here === on) return { state: settled, effects };
  return {
    state: { ...settled, offer: { name: "sent", hold: on, refresh: false } },
    effects: [...effects, { kind: "re-invite", hold: on }],
  };
}

/** The other side's offer may be under way still. */
function offerAgain(state: EstablishedCall): CallStep {
  if (state.again === undefined) return stay(state);
  if (state.offer.name !== "none") return { state, effects: [{ kind: "back-off" }] };
  return offerHold({ ...state, again: undefined }, state.again);
}

function heldThere(state: EstablishedCall, hold: boolean | undefined): EstablishedCall {
  return hold === undefined ? state : { ...state, held: { ...state.held, there: hold } };
}

function onOfferResponse(context: CallContext, state: EstablishedCall, status: number): CallStep {
  if (state.offer.name !== "sent" || status < 200) return stay(state);
  const settled: EstablishedCall = { ...state, offer: NO_OFFER };
  if (status < 300) {
    const held = { ...state.held, here: state.offer.hold };
    return { state: { ...settled, held }, effects: [{ kind: "ack" }] };
  }
  if (status === 408 || status === 481) return leave(context, `answered ${status}`, QUIET);
  if (state.offer.refresh) return refreshSoon(context, settled);
  if (status === 491)
    return { state: { ...settled, again: state.offer.hold }, effects: [{ kind: "back-off" }] };
  return stay(settled); // §14.1: the call is as it was
}

/** §14.2; RFC 5407 §3.1.5: an offer that meets one of ours, or a 2xx without its ACK, may come again. */
function onReInvite(
  { t1 }: CallContext,
  state: EstablishedCall,
  hold: boolean | undefined,
): CallStep {
  if (state.offer.name !== "none") return { state, effects: [{ kind: "respond", status: 491 }] };
  return {
    state: { ...heldThere(state, hold), offer: { name: "answered", interval: t1 } },
    effects: [{ kind: "respond", status: 200 }, ...awaitAck(t1)],
  };
}

function onAnsweredTimer(
  context: CallContext,
  state: EstablishedCall,
  timer: "repeat" | "no-ack",
): CallStep {
  if (state.offer.name !== "answered") return stay(state);
  if (timer === "no-ack") return leave(context, "no ACK", QUIET);
  const interval = Math.min(2 * state.offer.interval, context.t2);
  return {
    state: { ...state, offer: { name: "answered", interval } },
    effects: repeatAfter(interval),
  };
}
