// One call as a pure machine, both for caller and callee. RFC 3261 §13, §15; RFC 6026.
import {
  ACKNOWLEDGED,
  agreeOnSession,
  awaitAck,
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallState,
  type CallStep,
  established,
  type IncomingPolicy,
  leave,
  over,
  repeatAfter,
  stay,
} from "./call-state.ts";
import { whileUp } from "./established.ts";

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

type Inviting = Extract<CallState, { name: "inviting" }>;

function whileInviting(context: CallContext, state: Inviting, input: CallInput): CallStep {
  switch (input.kind) {
    case "dial":
      return {
        state,
        effects: [{ kind: "invite" }, { kind: "start", timer: "no-final", ms: NO_FINAL_MS }],
      };
    case "called":
      return called(context, input.policy, input.engaged);
    case "hang-up":
      return state.leaving === undefined ? giveUp(context, state, "cancelled") : stay(state);
    case "no-response":
      return over(state.leaving ?? input.why, [FINAL]);
    case "response":
      return onFirstResponse(context, state, input.status);
    case "unusable-answer":
      return leave(context, state.leaving ?? input.why, [FINAL, { kind: "ack" }]);
    case "session-too-brief":
      return state.leaving === undefined
        ? { state, effects: [{ kind: "invite" }] }
        : over(state.leaving, [FINAL]);
    case "timer":
      return input.timer === "no-final" ? onNoFinal(context, state) : stay(state);
    case "answer":
    case "hold":
    case "cancelled":
    case "acknowledged":
    case "re-invited":
    case "updated":
    case "bye":
    case "left":
    case "session":
    case "re-offer":
    case "refreshed":
    case "refresh-failed":
      return stay(state);
  }
}

/** Longer than the proxies between wait (Timer C, §16.6). */
const NO_FINAL_MS = 200_000;
const FINAL: CallEffect = { kind: "stop", timer: "no-final" };

function giveUp({ t1 }: CallContext, state: Inviting, why: string): CallStep {
  return {
    state: { ...state, leaving: why },
    effects: [{ kind: "cancel" }, { kind: "start", timer: "no-final", ms: 64 * t1 }],
  };
}

/** §9.1: what a CANCEL does not end within 64*T1 counts as ended. */
function onNoFinal(context: CallContext, state: Inviting): CallStep {
  return state.leaving === undefined
    ? giveUp(context, state, "not answered")
    : over(state.leaving, [{ kind: "abandon" }]);
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

function onFirstResponse(context: CallContext, state: Inviting, status: number): CallStep {
  if (status < 200) return stay({ ...state, ringing: state.ringing || status === 180 });
  if (status >= 300) return over(state.leaving ?? `answered ${status}`, [FINAL]);
  const ack: CallEffect = { kind: "ack" };
  if (state.leaving === undefined) return { state: established(), effects: [FINAL, ack] };
  return leave(context, state.leaving, [FINAL, ack]); // §9.1: the 2xx crossed our CANCEL
}

function whileRinging(context: CallContext, state: CallState, input: CallInput): CallStep {
  switch (input.kind) {
    case "answer":
      return pickUp(context);
    case "hang-up":
      return leaveRinging("declined", 603);
    case "cancelled":
      return leaveRinging("cancelled", 487);
    case "bye": // §15.1.2: the INVITE is pending still
      return leaveRinging("hung up there", 487);
    case "timer":
      return input.timer === "no-answer" ? leaveRinging("not answered", 480) : stay(state);
    case "dial":
    case "called":
    case "hold":
    case "response":
    case "no-response":
    case "unusable-answer":
    case "session-too-brief":
    case "session":
    case "re-offer":
    case "refreshed":
    case "refresh-failed":
    case "acknowledged":
    case "re-invited":
    case "updated":
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
        ? leave(context, "hung up here", ACKNOWLEDGED)
        : { state: established(input.hold), effects: ACKNOWLEDGED };
    case "hang-up":
      return stay({ ...state, leaving: true });
    case "bye":
      return over("hung up there", ACKNOWLEDGED);
    case "timer":
      if (input.timer === "no-ack") return leave(context, "no ACK", ACKNOWLEDGED);
      if (input.timer === "session") return leave(context, "session expired", ACKNOWLEDGED);
      return input.timer === "repeat" ? repeatAnswer(context, state) : stay(state);
    case "session":
      return { state, effects: agreeOnSession(input.seconds, input.here) };
    case "dial":
    case "called":
    case "answer":
    case "hold":
    case "response":
    case "no-response":
    case "unusable-answer":
    case "session-too-brief":
    case "re-offer":
    case "refreshed":
    case "refresh-failed":
    case "cancelled":
    case "re-invited":
    case "updated":
    case "left":
      return stay(state);
  }
}

function repeatAnswer(
  { t2 }: CallContext,
  state: Extract<CallState, { name: "answered" }>,
): CallStep {
  const interval = Math.min(2 * state.interval, t2); // §13.3.1.4: doubles up to T2
  return { state: { ...state, interval }, effects: repeatAfter(interval) };
}

function whileEnding(state: Extract<CallState, { name: "ending" }>, input: CallInput): CallStep {
  const isOver =
    input.kind === "left" ||
    input.kind === "bye" ||
    (input.kind === "timer" && input.timer === "left");
  return isOver ? over(state.why) : stay(state);
}
