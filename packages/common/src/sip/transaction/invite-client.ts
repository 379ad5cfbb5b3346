// INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2.
import {
  ACK,
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

export type InviteClientState =
  | { readonly name: "initial" }
  /** `interval`: what Timer A was last set to, in ms. */
  | { readonly name: "calling"; readonly interval: number }
  | { readonly name: "proceeding" }
  | { readonly name: "completed" }
  | { readonly name: "accepted" }
  | Terminated;

type Result = Step<InviteClientState>;

const PROCEEDING: InviteClientState = { name: "proceeding" };
const COMPLETED: InviteClientState = { name: "completed" };
const ACCEPTED: InviteClientState = { name: "accepted" };

export function stepInviteClient(
  context: MachineContext,
  state: InviteClientState,
  input: ClientInput,
): Result {
  switch (input.kind) {
    case "start":
      return begin(context);
    case "response":
      return onResponse(context, state, input.status);
    case "timer":
      return onTimer(state, input.timer);
    case "transport-failure":
      return state.name === "calling" || state.name === "completed"
        ? { state: TERMINATED, effects: [stop("A"), stop("B"), NOT_SENT] }
        : stay(state);
  }
}

function begin(context: MachineContext): Result {
  const state: InviteClientState = { name: "calling", interval: context.timers.A };
  const effects = context.reliable
    ? [SEND, context.start.B]
    : [SEND, context.start.B, context.start.A];
  return { state, effects };
}

function onResponse(context: MachineContext, state: InviteClientState, status: number): Result {
  switch (state.name) {
    case "calling":
    case "proceeding":
      return onFirstResponses(context, status);
    case "completed": // §17.1.1.2: each repeated failure response is acknowledged again
      return status >= 300 ? { state, effects: [RESEND] } : stay(state);
    case "accepted": // RFC 6026 §7.2: every 2xx goes up, whichever fork it is from
      return isSuccess(status) ? { state, effects: [DELIVER] } : stay(state);
    case "initial":
    case "terminated":
      return stay(state);
  }
}

function onFirstResponses(context: MachineContext, status: number): Result {
  if (status < 200) return { state: PROCEEDING, effects: [stop("A"), stop("B"), DELIVER] };
  if (isSuccess(status)) {
    return { state: ACCEPTED, effects: [stop("A"), stop("B"), context.start.M, DELIVER] };
  }
  return context.reliable
    ? { state: TERMINATED, effects: [stop("A"), stop("B"), ACK, DELIVER] }
    : { state: COMPLETED, effects: [stop("A"), stop("B"), ACK, context.start.D, DELIVER] };
}

function onTimer(state: InviteClientState, timer: TimerName): Result {
  switch (state.name) {
    case "calling":
      if (timer === "B") return { state: TERMINATED, effects: [stop("A"), TIMED_OUT] };
      if (timer === "A") return repeat(2 * state.interval); // §17.1.1.2: no upper limit but B
      return stay(state);
    case "completed":
      return timer === "D" ? { state: TERMINATED, effects: [] } : stay(state);
    case "accepted":
      return timer === "M" ? { state: TERMINATED, effects: [] } : stay(state);
    case "initial":
    case "proceeding":
    case "terminated":
      return stay(state);
  }
}

function repeat(interval: number): Result {
  return { state: { name: "calling", interval }, effects: [RESEND, start("A", interval)] };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
