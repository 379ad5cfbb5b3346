// Timers of few different lengths: a queue per length and one clock timer for each queue's head.
import type { Clock, Timer } from "../../platform/clock.ts";
import type { TimerName } from "./timers.ts";

/** Whose timer it is; called with the name under which it was started. */
export interface TimerOwner {
  onTimer(timer: TimerName): void;
}

/** One timer in a queue. */
export interface Delay extends Timer {
  /** Milliseconds since the epoch. */
  readonly due: number;
  readonly timer: TimerName;
}

/** `cancel` unlinks it at once, so that its owner can be freed. */
class QueuedDelay implements Delay {
  readonly due: number;
  readonly timer: TimerName;
  owner: TimerOwner | undefined;
  next: QueuedDelay | undefined;
  previous: QueuedDelay | undefined;
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
  #head: QueuedDelay | undefined;
  #tail: QueuedDelay | undefined;
  #timer: Timer | undefined;
  #armedFor = 0;
  #isFiring = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  add(owner: TimerOwner, timer: TimerName): QueuedDelay {
    const delay = new QueuedDelay(this, this.#clock.now() + this.#ms, owner, timer);
    delay.previous = this.#tail;
    if (this.#tail === undefined) this.#head = delay;
    else this.#tail.next = delay;
    this.#tail = delay;
    this.#armForHead();
    return delay;
  }

  unlink(delay: QueuedDelay): void {
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
    // One by one, so that cancelling one of them later does nothing.
    for (let head = this.#head; head !== undefined; head = this.#head) head.cancel();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** For the head, never for the one that has just been added: others may wait before it. */
  #armForHead(): void {
    if (this.#isFiring || this.#timer !== undefined || this.#head === undefined) return;
    this.#armedFor = this.#head.due;
    this.#timer = this.#clock.at(this.#armedFor, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    // The clock may read a hair before the instant it was armed for.
    const now = Math.max(this.#clock.now(), this.#armedFor);
    this.#isFiring = true;
    try {
      for (let head = this.#head; head !== undefined && head.due <= now; head = this.#head) {
        const { owner } = head;
        head.cancel();
        owner?.onTimer(head.timer);
      }
    } finally {
      this.#isFiring = false;
      this.#armForHead();
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
  after(ms: number, owner: TimerOwner, timer: TimerName): Delay {
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
