// A call that is up, pure: hold and its end by re-INVITE, from either side. RFC 3261 §14, §15; RFC 3264 §8.4.
import {
  ACKNOWLEDGED,
  awaitAck,
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallStep,
  type CallTimer,
  leave,
  type Offer,
  over,
  repeatAfter,
  stay,
  type Up,
} from "./call-state.ts";

const NO_OFFER: Offer = { name: "none" };
const NOT_AGAIN: CallEffect = { kind: "stop", timer: "again" };
const QUIET: readonly CallEffect[] = [...ACKNOWLEDGED, NOT_AGAIN];

export function whileUp(context: CallContext, state: Up, input: CallInput): CallStep {
  switch (input.kind) {
    case "hang-up":
      return leave("hung up here", QUIET);
    case "bye":
      return over("hung up there", QUIET);
    case "hold":
      return offerHold(state, input.on);
    case "response":
      return onOfferResponse(state, input.status);
    case "no-response":
      return state.offer.name === "sent" ? leave(input.why, QUIET) : stay(state);
    case "re-invited":
      return onReInvite(context, state, input.hold);
    case "acknowledged":
      return state.offer.name === "answered"
        ? { state: { ...heldThere(state, input.hold), offer: NO_OFFER }, effects: ACKNOWLEDGED }
        : stay(state);
    case "timer":
      return input.timer === "again"
        ? offerAgain(state)
        : onAnsweredTimer(context, state, input.timer);
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
  if (state.offer.name !== "none") return stay(state);
  const settled: Up = { ...state, again: undefined };
  const effects = state.again === undefined ? [] : [NOT_AGAIN];
  if (state.held.here === on) return { state: settled, effects };
  return {
    state: { ...settled, offer: { name: "sent", hold: on } },
    effects: [...effects, { kind: "re-invite", hold: on }],
  };
}

/** The other side's offer may be under way still. */
function offerAgain(state: Up): CallStep {
  if (state.again === undefined) return stay(state);
  if (state.offer.name !== "none") return { state, effects: [{ kind: "back-off" }] };
  return offerHold({ ...state, again: undefined }, state.again);
}

function heldThere(state: Up, hold: boolean | undefined): Up {
  return hold === undefined ? state : { ...state, held: { ...state.held, there: hold } };
}

function onOfferResponse(state: Up, status: number): CallStep {
  if (state.offer.name !== "sent" || status < 200) return stay(state);
  const settled: Up = { ...state, offer: NO_OFFER };
  if (status < 300) {
    const held = { ...state.held, here: state.offer.hold };
    return { state: { ...settled, held }, effects: [{ kind: "ack" }] };
  }
  if (status === 491)
    return { state: { ...settled, again: state.offer.hold }, effects: [{ kind: "back-off" }] };
  // §14.1: the dialog is gone; anything else leaves the call as it was.
  return status === 408 || status === 481 ? leave(`answered ${status}`, QUIET) : stay(settled);
}

/** §14.2; RFC 5407 §3.1.5: an offer that meets one of ours, or a 2xx without its ACK, may come again. */
function onReInvite({ t1 }: CallContext, state: Up, hold: boolean | undefined): CallStep {
  if (state.offer.name !== "none") return { state, effects: [{ kind: "respond", status: 491 }] };
  return {
    state: { ...heldThere(state, hold), offer: { name: "answered", interval: t1 } },
    effects: [{ kind: "respond", status: 200 }, ...awaitAck(t1)],
  };
}

function onAnsweredTimer({ t2 }: CallContext, state: Up, timer: CallTimer): CallStep {
  if (state.offer.name !== "answered") return stay(state);
  if (timer === "no-ack") return leave("no ACK", QUIET);
  if (timer !== "repeat") return stay(state);
  const interval = Math.min(2 * state.offer.interval, t2);
  return {
    state: { ...state, offer: { name: "answered", interval } },
    effects: repeatAfter(interval),
  };
}
