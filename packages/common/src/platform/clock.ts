// Time as an argument: the only file that touches the system's clock and timers.
import { type Timer, TimerQueue } from "./timer-queue.ts";

export type { Timer };

export interface Clock {
  /** Milliseconds since the epoch; never runs backwards. */
  now(): number;
  /** Calls `callback` once, `milliseconds` from now. Any finite delay works, 2^32-1 seconds too. */
  after(milliseconds: number, callback: () => void): Timer;
  /** Calls `callback` once, at `time` (milliseconds since the epoch), at once if that has passed. */
  at(time: number, callback: () => void): Timer;
}

/** Node's timers overflow above this many milliseconds, so longer waits are taken in steps. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** Runs `callback` when the sockets have been read once more. */
export type NextTurn = (callback: () => void) => void;

export const nextTurn: NextTurn = (callback) => void setImmediate(callback);

/**
 * One system timer for all the process's deadlines to come.
 * @param now milliseconds since the epoch, never backwards; another than the system's may leap, and is looked at
 *   again when a deadline is added
 */
export function systemClock(now?: () => number): Clock {
  return now === undefined ? clockOver(systemTime(), false) : clockOver(now, true);
}

function clockOver(now: () => number, mayLeap: boolean): Clock {
  const queue = new TimerQueue();
  let armed: NodeJS.Timeout | undefined;
  let armedFor = Number.POSITIVE_INFINITY;
  /** What is due now runs in the next turn; the timer for what is due later stays as it is. */
  let isDueNow = false;

  function arm(): void {
    const due = queue.nextDue();
    if (isDueNow || due === armedFor) return;
    const wait = due - now();
    if (wait <= 0) {
      isDueNow = true;
      nextTurn(fireNow);
      return;
    }
    clearTimeout(armed);
    armedFor = due;
    if (due < Number.POSITIVE_INFINITY) armed = setTimeout(fireArmed, Math.min(wait, LONGEST_WAIT));
  }
  function fireArmed(): void {
    armedFor = Number.POSITIVE_INFINITY;
    fire();
  }
  function fireNow(): void {
    isDueNow = false;
    if (mayLeap) armedFor = Number.POSITIVE_INFINITY; // what is due later is so in another time from now
    fire();
  }
  function fire(): void {
    try {
      queue.runDue(now());
    } finally {
      arm();
    }
  }
  function at(time: number, callback: () => void): Timer {
    const timer = queue.add(time, callback);
    if (time < armedFor) arm();
    return timer;
  }
  return { now, at, after: (milliseconds, callback) => at(now() + milliseconds, callback) };
}

function systemTime(): () => number {
  const { timeOrigin } = performance; // never changes, but is computed at each asking
  return () => timeOrigin + performance.now();
}

/** `2026-11-28T01:37:57.731Z`. @param at milliseconds since the epoch */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** Milliseconds since the epoch of `2026-11-28T14:00:00Z` and the like; without a zone it is local time. */
export function timeOfIso(text: string): number | undefined {
  const time = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
