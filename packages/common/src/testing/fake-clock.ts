// A clock that moves only when a test says so: a 600 000 s registration passes in microseconds.
import type { Clock, Timer } from "../platform/clock.ts";
import { TimerQueue } from "../platform/timer-queue.ts";

/** A round instant far from zero, so that a forgotten unit shows. */
export const FAKE_EPOCH = 1_700_000_000_000;

export class FakeClock implements Clock {
  readonly #queue = new TimerQueue();
  #now: number;

  constructor(start: number = FAKE_EPOCH) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.at(this.#now + milliseconds, callback);
  }

  at(time: number, callback: () => void): Timer {
    return this.#queue.add(Math.max(time, this.#now), callback);
  }

  /** Number of timers that will still fire. */
  get pending(): number {
    return this.#queue.size;
  }

  /** Moves time on, running each callback at its own instant. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let due = this.#queue.nextDue(); due <= end; due = this.#queue.nextDue()) {
      this.#now = due;
      this.#queue.runNext();
    }
    this.#now = end;
  }

  /**
   * As `advance`, but lets promises settle between callbacks, for code that awaits.
   */
  async advanceAsync(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let due = this.#queue.nextDue(); due <= end; due = this.#queue.nextDue()) {
      this.#now = due;
      this.#queue.runNext();
      await settle();
    }
    this.#now = end;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
