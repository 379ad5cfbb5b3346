// Every state of a call, and that each has an end: by its own timers, and by hanging up. RFC 3261 §9.1, §13.3.1.4, §15; RFC 4028 §10.
import { expect, test } from "vitest";
import {
  type CallEffect,
  type CallState,
  type CallTimer,
  IDLE,
} from "../../src/call/call-state.ts";
import { stepCall } from "../../src/call/machine.ts";
import { context, INPUTS, inputOf } from "./call-inputs.ts";

/** A state, the timers that run in it, and the inputs that led there. */
interface Reached {
  readonly state: CallState;
  readonly running: ReadonlySet<CallTimer>;
  readonly by: string;
}

const STATUSES = ["180", "200", "422", "481", "486", "491"];
const BEGINNINGS = Object.keys(INPUTS).filter((word) => /^(dial|called)/.test(word));
const WORDS = [...Object.keys(INPUTS), ...STATUSES].filter((word) => !BEGINNINGS.includes(word));
/** What a session timer of 1800 s starts: the shell agrees on one with each call that is answered. */
const AGREED = inputOf("session-here");

function timersAfter(running: ReadonlySet<CallTimer>, effects: readonly CallEffect[]) {
  const timers = new Set(running);
  for (const effect of effects) {
    if (effect.kind === "start") timers.add(effect.timer);
    if (effect.kind === "stop") timers.delete(effect.timer);
    if (effect.kind === "back-off") timers.add("again");
  }
  return timers;
}

/** Undefined for a timer that does not run. */
function follow({ state, running, by }: Reached, word: string): Reached | undefined {
  const input = inputOf(word);
  if (input.kind === "timer" && !running.has(input.timer)) return undefined;
  const step = stepCall(context, state, input);
  const left = new Set(running);
  if (input.kind === "timer") left.delete(input.timer);
  const isAnswered = step.effects.some(
    (effect) => effect.kind === "ack" || (effect.kind === "respond" && effect.status === 200),
  );
  const agreed = isAnswered ? stepCall(context, step.state, AGREED).effects : [];
  return {
    state: step.state,
    running: timersAfter(left, [...step.effects, ...agreed]),
    by: `${by} ${word}`.trim(),
  };
}

function reachable(): readonly Reached[] {
  const found = new Map<string, Reached>();
  const open: Reached[] = [];
  const add = (reached: Reached | undefined): void => {
    const key = reached && JSON.stringify([reached.state, [...reached.running].sort()]);
    if (reached === undefined || key === undefined || found.has(key)) return;
    found.set(key, reached);
    open.push(reached);
  };
  for (const word of BEGINNINGS) add(follow({ state: IDLE, running: new Set(), by: "" }, word));
  for (let at = open.shift(); at !== undefined; at = open.shift())
    for (const word of WORDS) add(follow(at, word));
  return [...found.values()];
}

/** Whether it ends by these timers alone, in whatever order. */
function endsBy(timers: readonly CallTimer[], from: Reached): boolean {
  let ways: readonly Reached[] = [from];
  for (let steps = 0; steps < 6; steps++) {
    if (ways.some(({ state }) => state.name === "over")) return true;
    ways = ways.flatMap((at) =>
      timers.flatMap((timer) => follow(at, timer === "left" ? "left-timer" : timer) ?? []),
    );
  }
  return false;
}

const states = reachable();
const alive = states.filter(({ state }) => state.name !== "over");

test("there are states of every kind to look at", () => {
  const names = [...new Set(states.map(({ state }) => state.name))].sort();
  expect(names).toEqual(["answered", "ending", "inviting", "over", "ringing", "up"]);
  expect(alive.length).toBeGreaterThan(50);
});

test("every state has a timer that leads out of it, in the end", () => {
  const stuck = alive.filter(
    (at) => !endsBy(["no-answer", "no-final", "no-ack", "session", "left"], at),
  );
  expect(stuck.map(({ by }) => by)).toEqual([]);
});

test("a local hang-up ends every state, whatever the other side does", () => {
  const stuck = alive.filter((at) => {
    const left = follow(at, "hang-up");
    return left === undefined || !endsBy(["no-final", "no-ack", "left"], left);
  });
  expect(stuck.map(({ by }) => by)).toEqual([]);
});

test("what ends, or has ended, says why", () => {
  const mute = states.filter(({ state }) => "why" in state && state.why === "");
  expect(mute).toEqual([]);
});
