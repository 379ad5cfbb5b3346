// The inputs of a call by short names, for tables.
import type { CallContext, CallInput } from "../../src/call/call-state.ts";

export const context: CallContext = { t1: 500, t2: 4_000, noAnswerMs: 60_000 };

export const INPUTS: Readonly<Record<string, CallInput>> = {
  dial: { kind: "dial" },
  answer: { kind: "answer" },
  "hang-up": { kind: "hang-up" },
  hold: { kind: "hold", on: true },
  back: { kind: "hold", on: false },
  cancelled: { kind: "cancelled" },
  ack: { kind: "acknowledged", hold: undefined },
  "ack-hold": { kind: "acknowledged", hold: true },
  bye: { kind: "bye" },
  left: { kind: "left" },
  lost: { kind: "no-response", why: "timeout" },
  unusable: { kind: "unusable-answer", why: "200 without Contact" },
  "too-brief": { kind: "session-too-brief" },
  "session-here": { kind: "session", seconds: 1800, here: true },
  "session-there": { kind: "session", seconds: 90, here: false },
  "re-offer": { kind: "re-offer" },
  refreshed: { kind: "refreshed", status: 200 },
  "refreshed-500": { kind: "refreshed", status: 500 },
  "refreshed-481": { kind: "refreshed", status: 481 },
  "refresh-lost": { kind: "refresh-failed", why: "timeout" },
  updated: { kind: "updated", hold: true },
  refresh: { kind: "timer", timer: "refresh" },
  session: { kind: "timer", timer: "session" },
  "no-final": { kind: "timer", timer: "no-final" },
  "left-timer": { kind: "timer", timer: "left" },
  "re-invite": { kind: "re-invited", hold: false },
  "re-invite-hold": { kind: "re-invited", hold: true },
  "re-invite-bare": { kind: "re-invited", hold: undefined },
  again: { kind: "timer", timer: "again" },
  called: { kind: "called", policy: "answer", engaged: false },
  "called-ring": { kind: "called", policy: "ring", engaged: false },
  "called-busy": { kind: "called", policy: "busy", engaged: false },
  "called-decline": { kind: "called", policy: "decline", engaged: false },
  "called-engaged": { kind: "called", policy: "answer", engaged: true },
  "no-answer": { kind: "timer", timer: "no-answer" },
  repeat: { kind: "timer", timer: "repeat" },
  "no-ack": { kind: "timer", timer: "no-ack" },
};

export function inputOf(word: string): CallInput {
  const known = INPUTS[word];
  return known ?? { kind: "response", status: Number(word) };
}
