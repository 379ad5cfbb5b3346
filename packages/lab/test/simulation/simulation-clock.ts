// The clock of a simulation: one event at a time, with a look at everything before each.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { TimerQueue } from "@ims-lab/common/platform/timer-queue";
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";

export class SimulationClock implements Clock {
  readonly #queue = new TimerQueue();
  #now = FAKE_EPOCH;
  #isPaused = false;
  /** Events so far. */
  steps = 0;
  /** Called before each event, at its time, with everything as the one before has left it. */
  beforeStep: () => void = () => undefined;

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.at(this.#now + milliseconds, callback);
  }

  at(time: number, callback: () => void): Timer {
    return this.#queue.add(Math.max(time, this.#now), callback);
  }

  /** Whoever runs the clock must do something else first. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Runs what is due up to `end`. False: it was paused on the way. */
  advanceTo(end: number): boolean {
    this.#isPaused = false;
    for (let due = this.#queue.nextDue(); due <= end; due = this.#queue.nextDue()) {
      this.#now = due;
      this.steps++;
      this.beforeStep();
      if (this.#isPaused) return false;
      this.#queue.runNext();
      if (this.#isPaused) return false;
    }
    this.#now = Math.max(this.#now, end);
    this.beforeStep();
    return !this.#isPaused;
  }
}
