// INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.
import {
  DELIVER,
  type MachineContext,
  RESEND,
  SEND,
  SEND_TRYING,
  type ServerInput,
  type Step,
  start,
  stay,
  stop,
  TERMINATED,
  type Terminated,
} from "./machine.ts";
import type { TimerName } from "./timers.ts";

export type InviteServerState =
  | { readonly name: "initial" }
  | { readonly name: "proceeding"; readonly answered: boolean }
  /** `interval`: what Timer G was last set to, in ms. */
  | { readonly name: "completed"; readonly interval: number }
  | { readonly name: "confirmed" }
  | { readonly name: "accepted" }
  | Terminated;

type Result = Step<InviteServerState>;

const UNANSWERED: InviteServerState = { name: "proceeding", answered: false };
const ANSWERED: InviteServerState = { name: "proceeding", answered: true };
const CONFIRMED: InviteServerState = { name: "confirmed" };
const ACCEPTED: InviteServerState = { name: "accepted" };

export function stepInviteServer(
  context: MachineContext,
  state: InviteServerState,
  input: ServerInput,
): Result {
  switch (input.kind) {
    case "start":
      return {
        state: UNANSWERED,
        effects: [start("trying", context.timers.inviteTrying), DELIVER],
      };
    case "request":
      return repeats(state) ? { state, effects: [RESEND] } : stay(state);
    case "ack":
      return onAck(context, state);
    case "respond":
      return onRespond(context, state, input.status);
    case "timer":
      return onTimer(context, state, input.timer);
  }
}

/** RFC 6026 §7.1: in Accepted the TU repeats its 2xx itself. */
function repeats(state: InviteServerState): boolean {
  return state.name === "completed" || (state.name === "proceeding" && state.answered);
}

function onAck(context: MachineContext, state: InviteServerState): Result {
  if (state.name === "accepted") return { state, effects: [DELIVER] };
  if (state.name !== "completed") return stay(state);
  return context.reliable
    ? { state: TERMINATED, effects: [stop("H")] }
    : { state: CONFIRMED, effects: [stop("G"), stop("H"), context.start.I] };
}

function onRespond(context: MachineContext, state: InviteServerState, status: number): Result {
  const success = status >= 200 && status < 300;
  if (state.name === "accepted" && success) return { state, effects: [SEND] };
  if (state.name !== "proceeding") return stay(state);
  if (status < 200) return { state: ANSWERED, effects: [stop("trying"), SEND] };
  if (success) return { state: ACCEPTED, effects: [stop("trying"), SEND, context.start.L] };
  const effects = [stop("trying"), SEND, context.start.H];
  if (!context.reliable) effects.push(context.start.G);
  return { state: { name: "completed", interval: context.timers.G }, effects };
}

function onTimer(context: MachineContext, state: InviteServerState, timer: TimerName): Result {
  switch (state.name) {
    case "proceeding":
      return timer === "trying" && !state.answered
        ? { state: ANSWERED, effects: [SEND_TRYING] }
        : stay(state);
    case "completed":
      if (timer === "H") return { state: TERMINATED, effects: [stop("G")] };
      return timer === "G" ? repeat(context, state.interval) : stay(state);
    case "confirmed":
      return timer === "I" ? { state: TERMINATED, effects: [] } : stay(state);
    case "accepted":
      return timer === "L" ? { state: TERMINATED, effects: [] } : stay(state);
    case "initial":
    case "terminated":
      return stay(state);
  }
}

function repeat(context: MachineContext, last: number): Result {
  const interval = Math.min(2 * last, context.timers.t2); // §17.2.1: doubles up to T2
  return { state: { name: "completed", interval }, effects: [RESEND, start("G", interval)] };
}
