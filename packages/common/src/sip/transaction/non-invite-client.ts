// Non-INVITE client transaction: RFC 3261 §17.1.2.
import {
  type ClientInput,
  DELIVER,
  type MachineContext,
  NOT_SENT,
  RESEND,
  SEND,
  type Step,
  start,
  stay,
  stop,
  TERMINATED,
  type Terminated,
  TIMED_OUT,
} from "./machine.ts";
import type { TimerName } from "./timers.ts";

export type NonInviteClientState =
  | { readonly name: "initial" }
  /** `interval`: what Timer E was last set to, in ms. */
  | { readonly name: "trying"; readonly interval: number }
  | { readonly name: "proceeding" }
  | { readonly name: "completed" }
  | Terminated;

type Result = Step<NonInviteClientState>;

const PROCEEDING: NonInviteClientState = { name: "proceeding" };
const COMPLETED: NonInviteClientState = { name: "completed" };

export function stepNonInviteClient(
  context: MachineContext,
  state: NonInviteClientState,
  input: ClientInput,
): Result {
  switch (input.kind) {
    case "start":
      return begin(context);
    case "response":
      return onResponse(context, state, input.status);
    case "timer":
      return onTimer(context, state, input.timer);
    case "transport-failure":
      return isWaiting(state)
        ? { state: TERMINATED, effects: [stop("E"), stop("F"), NOT_SENT] }
        : stay(state);
  }
}

function begin(context: MachineContext): Result {
  const state: NonInviteClientState = { name: "trying", interval: context.timers.E };
  const effects = context.reliable
    ? [SEND, context.start.F]
    : [SEND, context.start.F, context.start.E];
  return { state, effects };
}

function onResponse(context: MachineContext, state: NonInviteClientState, status: number): Result {
  if (!isWaiting(state)) return stay(state); // a repeated final response
  if (status < 200) return { state: PROCEEDING, effects: [DELIVER] };
  return context.reliable
    ? { state: TERMINATED, effects: [stop("E"), stop("F"), DELIVER] }
    : { state: COMPLETED, effects: [stop("E"), stop("F"), context.start.K, DELIVER] };
}

function onTimer(context: MachineContext, state: NonInviteClientState, timer: TimerName): Result {
  if (state.name === "completed" && timer === "K") return { state: TERMINATED, effects: [] };
  if (!isWaiting(state)) return stay(state);
  if (timer === "F") return { state: TERMINATED, effects: [stop("E"), TIMED_OUT] };
  if (timer !== "E") return stay(state);
  const { t2 } = context.timers;
  // §17.1.2.2: doubling up to T2 in Trying, always T2 in Proceeding.
  if (state.name === "proceeding") return { state, effects: [RESEND, start("E", t2)] };
  const interval = Math.min(2 * state.interval, t2);
  return { state: { name: "trying", interval }, effects: [RESEND, start("E", interval)] };
}

function isWaiting(
  state: NonInviteClientState,
): state is Extract<NonInviteClientState, { name: "trying" | "proceeding" }> {
  return state.name === "trying" || state.name === "proceeding";
}
