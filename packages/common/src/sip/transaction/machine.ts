// The shape the four transaction machines share: step(context, state, input) → { state, effects }.
import type { TimerName, TimerValues } from "./timers.ts";

export type Effect =
  /** Send the message of this input and keep its octets. */
  | { readonly kind: "send" }
  /** Send the kept octets once more. */
  | { readonly kind: "resend" }
  /** Client: send the ACK of the failure response that came (RFC 3261 §17.1.1.3). */
  | { readonly kind: "ack" }
  /** Server: send a 100 made here. */
  | { readonly kind: "send-trying" }
  /** Hand the message of this input to the TU. */
  | { readonly kind: "deliver" }
  /** Client: tell the TU that no final response will come. */
  | { readonly kind: "fail"; readonly why: "timeout" | "transport" }
  | { readonly kind: "start"; readonly timer: TimerName; readonly ms: number }
  | { readonly kind: "stop"; readonly timer: TimerName };

export interface Step<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What the machines know of their context; made once per transport kind, not per transaction. */
export interface MachineContext {
  readonly timers: TimerValues;
  /** RFC 3261 §17: over a reliable transport nothing is repeated and nothing lingers. */
  readonly reliable: boolean;
  /** `start` effects of first intervals, ready made. */
  readonly start: Readonly<Record<TimerName, Effect>>;
}

export function machineContext(timers: TimerValues, reliable: boolean): MachineContext {
  const entry = (timer: TimerName, ms: number): Effect => ({ kind: "start", timer, ms });
  return {
    timers,
    reliable,
    start: {
      A: entry("A", timers.A),
      B: entry("B", timers.B),
      D: entry("D", timers.D),
      E: entry("E", timers.E),
      F: entry("F", timers.F),
      G: entry("G", timers.G),
      H: entry("H", timers.H),
      I: entry("I", timers.I),
      J: entry("J", timers.J),
      K: entry("K", timers.K),
      L: entry("L", timers.L),
      M: entry("M", timers.M),
      trying: entry("trying", timers.nonInviteTrying),
      late: entry("late", timers.late),
    },
  };
}

export const SEND: Effect = { kind: "send" };
export const RESEND: Effect = { kind: "resend" };
export const ACK: Effect = { kind: "ack" };
export const SEND_TRYING: Effect = { kind: "send-trying" };
export const DELIVER: Effect = { kind: "deliver" };
export const TIMED_OUT: Effect = { kind: "fail", why: "timeout" };
export const NOT_SENT: Effect = { kind: "fail", why: "transport" };

export function start(timer: TimerName, ms: number): Effect {
  return { kind: "start", timer, ms };
}

const STOPS: Readonly<Record<"A" | "B" | "E" | "F" | "G" | "H" | "trying" | "late", Effect>> = {
  A: { kind: "stop", timer: "A" },
  B: { kind: "stop", timer: "B" },
  E: { kind: "stop", timer: "E" },
  F: { kind: "stop", timer: "F" },
  G: { kind: "stop", timer: "G" },
  H: { kind: "stop", timer: "H" },
  trying: { kind: "stop", timer: "trying" },
  late: { kind: "stop", timer: "late" },
};

export function stop(timer: keyof typeof STOPS): Effect {
  return STOPS[timer];
}

export interface Terminated {
  readonly name: "terminated";
}
export const TERMINATED: Terminated = { name: "terminated" };

const NOTHING: readonly Effect[] = [];

/** No change, nothing to do: retransmissions absorbed, timers that fire too late. */
export function stay<State>(state: State): Step<State> {
  return { state, effects: NOTHING };
}

/** What can happen to a client transaction. */
export type ClientInput =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly status: number }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "transport-failure" };

/** What can happen to a server transaction. */
export type ServerInput =
  | { readonly kind: "start" }
  | { readonly kind: "request" }
  | { readonly kind: "ack" }
  | { readonly kind: "respond"; readonly status: number }
  | { readonly kind: "timer"; readonly timer: TimerName };
