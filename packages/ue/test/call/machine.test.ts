// A call as tables: RFC 3261 §13, §14, §15.
import { describe, expect, test } from "vitest";
import {
  type CallEffect,
  type CallInput,
  type CallState,
  IDLE,
} from "../../src/call/call-state.ts";
import { stepCall } from "../../src/call/machine.ts";

const context = { t1: 500, t2: 4_000, noAnswerMs: 60_000 };

const INPUTS: Readonly<Record<string, CallInput>> = {
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

function inputOf(word: string): CallInput {
  const known = INPUTS[word];
  return known ?? { kind: "response", status: Number(word) };
}

function wordOf(effect: CallEffect): string {
  switch (effect.kind) {
    case "respond":
      return String(effect.status);
    case "start":
      return `${effect.timer} in ${effect.ms}`;
    case "stop":
      return `no ${effect.timer}`;
    case "re-invite":
      return effect.hold ? "re-invite to hold" : "re-invite";
    case "invite":
    case "cancel":
    case "ack":
    case "bye":
    case "repeat":
    case "back-off":
      return effect.kind;
  }
}

function stateWord(state: CallState): string {
  switch (state.name) {
    case "over":
    case "ending":
      return `${state.name}: ${state.why}`;
    case "inviting":
    case "ringing":
    case "answered":
    case "up":
      return state.name;
  }
}

function run(words: string): { state: CallState; word: string; effects: string } {
  let state: CallState = IDLE;
  let effects: readonly CallEffect[] = [];
  for (const word of words.split(" ")) {
    const step = stepCall(context, state, inputOf(word));
    state = step.state;
    effects = step.effects;
  }
  const shown = effects.map(wordOf).filter((word) => !word.startsWith("no "));
  return { state, word: stateWord(state), effects: shown.join(", ") };
}

describe("the caller", () => {
  test.each([
    ["dial", "inviting", "invite"],
    ["dial 180", "inviting", ""],
    ["dial 180 200", "up", "ack"],
    ["dial 486", "over: answered 486", ""],
    ["dial lost", "over: timeout", ""],
    ["dial 180 hang-up", "inviting", "cancel"],
    ["dial 180 hang-up 487", "over: cancelled", ""],
    ["dial 180 hang-up 200", "ending: cancelled", "ack, bye"],
    ["dial 200 hang-up", "ending: hung up here", "bye"],
    ["dial 200 hang-up left", "over: hung up here", ""],
    ["dial 200 hang-up bye", "over: hung up here", ""],
    ["dial 200 bye", "over: hung up there", ""],
    ["dial 200 bye bye", "over: hung up there", ""],
  ])("%s → %s, sends %s", (words, word, effects) => {
    expect(run(words)).toMatchObject({ word, effects });
  });
});

describe("the callee", () => {
  test.each([
    ["called", "answered", "180, no-answer in 60000, 200, repeat in 500, no-ack in 32000"],
    ["called ack", "up", ""],
    ["called repeat", "answered", "repeat, repeat in 1000"],
    ["called repeat repeat repeat repeat", "answered", "repeat, repeat in 4000"],
    ["called no-ack", "ending: no ACK", "bye"],
    ["called hang-up", "answered", ""],
    ["called hang-up ack", "ending: hung up here", "bye"],
    ["called bye", "over: hung up there", ""],
    ["called-ring", "ringing", "180, no-answer in 60000"],
    ["called-ring answer", "answered", "200, repeat in 500, no-ack in 32000"],
    ["called-ring hang-up", "over: declined", "603"],
    ["called-ring cancelled", "over: cancelled", "487"],
    ["called-ring bye", "over: hung up there", "487"], // §15.1.2: of an early dialog
    ["called-ring no-answer", "over: not answered", "480"],
    ["called-busy", "over: busy", "486"],
    ["called-decline", "over: declined", "603"],
    ["called-engaged", "over: busy", "486"],
    ["called cancelled", "answered", ""],
  ])("%s → %s, sends %s", (words, word, effects) => {
    expect(run(words)).toMatchObject({ word, effects });
  });
});

describe("§14: re-INVITE", () => {
  test.each([
    ["dial 200 hold", "up", "re-invite to hold"],
    ["dial 200 hold 200", "up", "ack"],
    ["dial 200 hold 200 hold", "up", ""],
    ["dial 200 hold 200 back", "up", "re-invite"],
    ["dial 200 hold hold", "up", ""],
    ["dial 200 hold 491", "up", "back-off"],
    ["dial 200 hold 491 again", "up", "re-invite to hold"],
    ["dial 200 hold 491 again 200", "up", "ack"],
    ["dial 200 hold 491 re-invite", "up", "200, repeat in 500, no-ack in 32000"],
    ["dial 200 hold 491 re-invite again", "up", "back-off"],
    ["dial 200 hold 491 re-invite ack again", "up", "re-invite to hold"],
    ["dial 200 hold 491 back again", "up", ""],
    ["dial 200 hold 491 hold again", "up", ""],
    ["dial 200 hold 491 hang-up again", "ending: hung up here", ""],
    ["dial 200 hold 488 again", "up", ""],
    ["dial 200 hold 481", "ending: answered 481", "bye"],
    ["dial 200 hold lost", "ending: timeout", "bye"],
    ["dial 200 hold re-invite", "up", "491"],
    ["dial 200 re-invite", "up", "200, repeat in 500, no-ack in 32000"],
    ["dial 200 re-invite re-invite", "up", "491"],
    ["dial 200 re-invite hold", "up", ""],
    ["dial 200 re-invite ack", "up", ""],
    ["dial 200 re-invite no-ack", "ending: no ACK", "bye"],
  ])("%s → %s, sends %s", (words, word, effects) => {
    expect(run(words)).toMatchObject({ word, effects });
  });

  test("who holds is known of both sides", () => {
    expect(run("dial 200 hold 200 re-invite-hold ack").state).toMatchObject({
      held: { here: true, there: true },
    });
    expect(run("dial 200 hold 200 re-invite ack back 200").state).toMatchObject({
      held: { here: false, there: false },
    });
  });

  test.each([
    ["dial 200 re-invite-hold ack re-invite-bare", true],
    ["dial 200 re-invite-bare ack-hold", true],
    ["called ack-hold", true],
    ["called ack", false],
  ])("RFC 3264 §4: without an offer the ACK says it: %s: held there %s", (words, there) => {
    expect(run(words).state).toMatchObject({ held: { there } });
  });
});
