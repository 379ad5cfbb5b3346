// Habits of a scripted device, right and wrong. TS 24.229 §5.1.1.
import type { Chance } from "./chance.ts";

export interface Habits {
  /** Contacts in each REGISTER. */
  readonly contacts: number;
  readonly instance: boolean;
  /** What it does with a 401. */
  readonly answers: "right" | "wrong" | "never" | "second-right";
  /** The package it subscribes to. */
  readonly subscribes: "own" | "reg" | "no";
  /** What it answers to a NOTIFY; 0: nothing. */
  readonly notifyStatus: number;
  /** What it does when it is asked to register. */
  readonly obeys: "at-once" | "late" | "never" | "asks-only";
  /** Whether it refreshes in time. */
  readonly refreshes: boolean;
}

export const GOOD_HABITS: Habits = {
  contacts: 1,
  instance: true,
  answers: "right",
  subscribes: "own",
  notifyStatus: 200,
  obeys: "at-once",
  refreshes: true,
};

/** Most are right, so that devices get far enough to do the rest wrong. */
export function drawHabits(chance: Chance): Habits {
  return {
    contacts: chance.of([1, 1, 2]),
    instance: chance.is(0.5),
    answers: chance.of(["right", "right", "right", "second-right", "wrong", "never"] as const),
    subscribes: chance.of(["own", "reg", "own", "no"] as const),
    notifyStatus: chance.of([200, 200, 200, 0, 481, 500]),
    obeys: chance.of(["at-once", "late", "never", "asks-only"] as const),
    refreshes: chance.is(0.6),
  };
}
