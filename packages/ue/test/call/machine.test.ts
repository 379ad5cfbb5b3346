// A call as tables: RFC 3261 §13, §14, §15.
import { describe, expect, test } from "vitest";
import { type CallEffect, type CallState, IDLE } from "../../src/call/call-state.ts";
import { stepCall } from "../../src/call/machine.ts";
import { context, inputOf } from "./call-inputs.ts";

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
    case "refresh":
      return "update";
    case "invite":
    case "abandon":
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
    ["dial", "inviting", "invite, no-final in 200000"],
    ["dial 180", "inviting", ""],
    ["dial 180 200", "up", "ack"],
    ["dial 486", "over: answered 486", ""],
    ["dial lost", "over: timeout", ""],
    ["dial 180 hang-up", "inviting", "cancel, no-final in 32000"],
    ["dial 180 hang-up hang-up", "inviting", ""],
    ["dial 180 hang-up no-final", "over: cancelled", "abandon"], // §9.1
    ["dial 180 no-final", "inviting", "cancel, no-final in 32000"],
    ["dial 180 no-final 487", "over: not answered", ""],
    ["dial 180 no-final no-final", "over: not answered", "abandon"],
    ["dial 180 hang-up 487", "over: cancelled", ""],
    ["dial 180 hang-up 200", "ending: cancelled", "ack, left in 32000, bye"],
    ["dial 200 hang-up", "ending: hung up here", "left in 32000, bye"],
    ["dial 200 hang-up left", "over: hung up here", ""],
    ["dial 200 hang-up bye", "over: hung up here", ""],
    ["dial 200 bye", "over: hung up there", ""],
    ["dial 200 bye bye", "over: hung up there", ""],
    ["dial 200 hang-up left-timer", "over: hung up here", ""],
    ["dial unusable", "ending: 200 without Contact", "ack, left in 32000, bye"],
    ["dial unusable left", "over: 200 without Contact", ""],
    ["dial hang-up unusable", "ending: cancelled", "ack, left in 32000, bye"],
    ["dial too-brief", "inviting", "invite"],
    ["dial hang-up too-brief", "over: cancelled", ""],
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
    ["called no-ack", "ending: no ACK", "left in 32000, bye"],
    ["called hang-up", "answered", ""],
    ["called hang-up ack", "ending: hung up here", "left in 32000, bye"],
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
    ["dial 200 hold 481", "ending: answered 481", "left in 32000, bye"],
    ["dial 200 hold lost", "ending: timeout", "left in 32000, bye"],
    ["dial 200 hold re-invite", "up", "491"],
    ["dial 200 re-invite", "up", "200, repeat in 500, no-ack in 32000"],
    ["dial 200 re-invite re-invite", "up", "491"],
    ["dial 200 re-invite hold", "up", ""],
    ["dial 200 re-invite ack", "up", ""],
    ["dial 200 re-invite no-ack", "ending: no ACK", "left in 32000, bye"],
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

describe("RFC 4028: the session timer", () => {
  test.each([
    ["dial 200 session-here", "up", "session in 1768000, refresh in 900000"],
    ["dial 200 session-there", "up", "session in 60000"],
    ["called session-there", "answered", "session in 60000"],
    ["dial 200 refresh", "up", "update"],
    ["dial 200 refresh refreshed", "up", ""],
    ["dial 200 refresh refreshed-500", "up", "refresh in 5000"],
    ["dial 200 refresh refreshed-481", "ending: refresh: 481", "left in 32000, bye"],
    ["dial 200 refresh refresh-lost", "ending: refresh: timeout", "left in 32000, bye"],
    ["dial 200 session", "ending: session expired", "left in 32000, bye"],
    ["dial 200 re-offer", "up", "re-invite"],
    ["dial 200 hold 200 re-offer", "up", "re-invite to hold"],
    ["dial 200 hold re-offer", "up", "refresh in 5000"],
    ["dial 200 re-offer 200", "up", "ack"],
    ["dial 200 re-offer unusable", "up", "ack"],
    ["dial 200 re-offer 491", "up", "refresh in 5000"],
    ["dial 200 re-offer 500", "up", "refresh in 5000"],
    ["dial 200 re-offer 481", "ending: answered 481", "left in 32000, bye"],
    ["dial 200 re-offer too-brief", "up", "re-invite"],
  ])("%s → %s, sends %s", (words, word, effects) => {
    expect(run(words)).toMatchObject({ word, effects });
  });

  test("an UPDATE puts the call on hold like a re-INVITE", () => {
    expect(run("called ack updated").state).toMatchObject({ held: { there: true } });
  });
});
