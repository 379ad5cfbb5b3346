// Timers of few different lengths: a queue per length and one clock timer for each queue's head.
import type { Clock, Timer } from "../../platform/clock.ts";
import type { TimerName } from "./timers.ts";

/** Whose timer it is; called with the name under which it was started. */
export interface TimerOwner {
  onTimer(timer: TimerName): void;
}

/** One timer in a queue; `cancel` unlinks it at once, so that its owner can be freed. */
class Delay implements Timer {
  readonly due: number;
  readonly timer: TimerName;
  owner: TimerOwner | undefined;
  next: Delay | undefined;
  previous: Delay | undefined;
  readonly #queue: DelayQueue;

  constructor(queue: DelayQueue, due: number, owner: TimerOwner, timer: TimerName) {
    this.#queue = queue;
    this.due = due;
    this.owner = owner;
    this.timer = timer;
  }

  cancel(): void {
    if (this.owner === undefined) return;
    this.owner = undefined;
    this.#queue.unlink(this);
  }
}

/** All delays of one length: those added later are due later, so adding is appending. */
class DelayQueue {
  readonly #clock: Clock;
  readonly #ms: number;
  #head: Delay | undefined;
  #tail: Delay | undefined;
  #timer: Timer | undefined;
  #armedFor = 0;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  add(owner: TimerOwner, timer: TimerName): Delay {
    const delay = new Delay(this, this.#clock.now() + this.#ms, owner, timer);
    delay.previous = this.#tail;
    if (this.#tail === undefined) this.#head = delay;
    else this.#tail.next = delay;
    this.#tail = delay;
    if (this.#timer === undefined) this.#arm(delay.due);
    return delay;
  }

  unlink(delay: Delay): void {
    const { next, previous } = delay;
    if (previous === undefined) this.#head = next;
    else previous.next = next;
    if (next === undefined) this.#tail = previous;
    else next.previous = previous;
    delay.next = undefined;
    delay.previous = undefined;
    // The clock's timer stays: setting it anew for each transaction costs more than one idle call.
  }

  clear(): void {
    this.#head = undefined;
    this.#tail = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(due: number): void {
    this.#armedFor = due;
    this.#timer = this.#clock.at(due, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    // The clock may read a hair before the instant it was armed for.
    const now = Math.max(this.#clock.now(), this.#armedFor);
    try {
      for (let head = this.#head; head !== undefined && head.due <= now; head = this.#head) {
        const { owner } = head;
        head.cancel();
        owner?.onTimer(head.timer);
      }
    } finally {
      if (this.#timer === undefined && this.#head !== undefined) this.#arm(this.#head.due);
    }
  };
}

export class FixedDelays {
  readonly #clock: Clock;
  readonly #queues = new Map<number, DelayQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls the owner once, `ms` milliseconds from now. Meant for few different values of `ms`. */
  after(ms: number, owner: TimerOwner, timer: TimerName): Timer {
    let queue = this.#queues.get(ms);
    if (queue === undefined) {
      queue = new DelayQueue(this.#clock, ms);
      this.#queues.set(ms, queue);
    }
    return queue.add(owner, timer);
  }

  /** Forgets every pending call. */
  clear(): void {
    for (const queue of this.#queues.values()) queue.clear();
  }
}
