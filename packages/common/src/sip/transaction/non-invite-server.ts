// Non-INVITE server transaction: RFC 3261 §17.2.2 as corrected by RFC 4320.
import {
  DELIVER,
  type MachineContext,
  RESEND,
  SEND,
  SEND_TRYING,
  type ServerInput,
  type Step,
  stay,
  stop,
  TERMINATED,
  type Terminated,
} from "./machine.ts";
import type { TimerName } from "./timers.ts";

export type NonInviteServerState =
  | { readonly name: "initial" }
  | { readonly name: "trying" }
  | { readonly name: "proceeding" }
  | { readonly name: "completed" }
  | Terminated;

type Result = Step<NonInviteServerState>;

const TRYING: NonInviteServerState = { name: "trying" };
const PROCEEDING: NonInviteServerState = { name: "proceeding" };
const COMPLETED: NonInviteServerState = { name: "completed" };

export function stepNonInviteServer(
  context: MachineContext,
  state: NonInviteServerState,
  input: ServerInput,
): Result {
  switch (input.kind) {
    case "start":
      return { state: TRYING, effects: [context.start.trying, DELIVER] };
    case "request":
      return state.name === "proceeding" || state.name === "completed"
        ? { state, effects: [RESEND] }
        : stay(state);
    case "ack":
      return stay(state);
    case "respond":
      return onRespond(context, state, input.status);
    case "timer":
      return onTimer(context, state, input.timer);
  }
}

function onRespond(context: MachineContext, state: NonInviteServerState, status: number): Result {
  if (state.name !== "trying" && state.name !== "proceeding") return stay(state);
  if (status < 200) {
    // RFC 4320 §4.1: no provisional but 100, and over UDP not before `trying` fires.
    const allowed = status === 100 && context.reliable && state.name === "trying";
    return allowed ? { state: PROCEEDING, effects: [SEND] } : stay(state);
  }
  // RFC 4320 §4.2: a 408 would only come when the client has given up; silence says the same.
  if (status === 408) return stay(state);
  return context.reliable
    ? { state: TERMINATED, effects: [stop("trying"), stop("late"), SEND] }
    : { state: COMPLETED, effects: [stop("trying"), stop("late"), SEND, context.start.J] };
}

function onTimer(context: MachineContext, state: NonInviteServerState, timer: TimerName): Result {
  switch (state.name) {
    case "trying":
      return timer === "trying"
        ? { state: PROCEEDING, effects: [SEND_TRYING, context.start.late] }
        : stay(state);
    case "proceeding":
      if (timer === "trying") return { state, effects: [context.start.late] };
      // RFC 4320 §4.2: the client's Timer F has fired, so no final response may follow.
      return timer === "late" ? { state: TERMINATED, effects: [] } : stay(state);
    case "completed":
      return timer === "J" ? { state: TERMINATED, effects: [] } : stay(state);
    case "initial":
    case "terminated":
      return stay(state);
  }
}
