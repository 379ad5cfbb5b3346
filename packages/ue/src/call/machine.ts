// One call of a UE as a pure machine, caller's and callee's side. RFC 3261 §13, §15; RFC 6026.
import {
  ACKNOWLEDGED,
  awaitAck,
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallState,
  type CallStep,
  type IncomingPolicy,
  leave,
  over,
  repeatAfter,
  stay,
  up,
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
    case "bye": // §15.1.2: the INVITE is pending still
      return leaveRinging("hung up there", 487);
    case "timer":
      return input.timer === "no-answer" ? leaveRinging("not answered", 480) : stay(state);
    case "dial":
    case "called":
    case "hold":
    case "response":
    case "no-response":
    case "acknowledged":
    case "re-invited":
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
        ? leave("hung up here", ACKNOWLEDGED)
        : { state: up(input.hold), effects: ACKNOWLEDGED };
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

function repeatAnswer(
  { t2 }: CallContext,
  state: Extract<CallState, { name: "answered" }>,
): CallStep {
  const interval = Math.min(2 * state.interval, t2); // §13.3.1.4: doubles up to T2
  return { state: { ...state, interval }, effects: repeatAfter(interval) };
}

function whileEnding(state: Extract<CallState, { name: "ending" }>, input: CallInput): CallStep {
  return input.kind === "left" || input.kind === "bye" ? over(state.why) : stay(state);
}
