// Messages that wait for their turn, those of work under way first; who waited too long is told so. RFC 6357 §4, RFC 7339 §5.10.
import type { Clock } from "../../platform/clock.ts";
import type { Peek } from "./peek.ts";

/** Whom a message is for when its turn has come. */
export interface Addressee<Flow> {
  /** @param isLate it waited longer than a request may */
  handle(message: Peek, flow: Flow, isLate: boolean): void;
}

export interface RequestQueueOptions {
  readonly clock: Clock;
  /** Runs `callback` after whatever else has arrived by now was taken from the sockets. */
  readonly nextTurn: (callback: () => void) => void;
  /** A request that waited longer is turned away, once this process has been behind for a second. */
  readonly maxWaitMs: number;
}

interface Waiting<Flow = unknown> {
  readonly addressee: Addressee<Flow>;
  readonly message: Peek;
  readonly flow: Flow;
  readonly since: number;
}

/** A turn's length: the sockets are read between turns, before they overflow. */
const TURN_MS = 0.5;
/** A burst is no overload. */
const PATIENCE_MS = 1_000;
/** What may wait; beyond it everything that arrives is late. */
const MOST_OCTETS = 16 * 1_048_576;
/** So that a flood of what looks like work under way does not keep everybody else out. */
const OLDEST_EVERY = 16;

/** One for all endpoints of a process: they share its time. */
export class RequestQueue {
  readonly #options: RequestQueueOptions;
  readonly #urgent = new Fifo();
  readonly #ordinary = new Fifo();
  /** Undefined: no turn has begun. */
  #turnEnds: number | undefined;
  /** Undefined: nothing waits. */
  #behindSince: number | undefined;
  #octets = 0;
  #taken = 0;

  constructor(options: RequestQueueOptions) {
    this.#options = options;
  }

  /** Messages that wait. */
  get size(): number {
    return this.#urgent.size + this.#ordinary.size;
  }

  /** Handles it at once while there is time, else when its turn comes. */
  take<Flow>(addressee: Addressee<Flow>, message: Peek, flow: Flow): void {
    const now = this.#options.clock.now();
    if (this.#behindSince === undefined) {
      this.#beginTurn(now);
      if (now < (this.#turnEnds ?? 0)) {
        addressee.handle(message, flow, false);
        return;
      }
      this.#behindSince = now;
    }
    const octets = message.bytes.length;
    if (this.#octets + octets > MOST_OCTETS) {
      addressee.handle(message, flow, true);
      return;
    }
    const queue = message.isUrgent ? this.#urgent : this.#ordinary;
    const waiting: Waiting<Flow> = { addressee, message, flow, since: now };
    queue.add(waiting);
    this.#octets += octets;
  }

  /** Forgets what waits. */
  close(): void {
    this.#urgent.clear();
    this.#ordinary.clear();
    this.#octets = 0;
  }

  #beginTurn(now: number): void {
    if (this.#turnEnds !== undefined) return;
    this.#turnEnds = now + TURN_MS;
    this.#options.nextTurn(this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#turnEnds = undefined;
    if (this.#behindSince === undefined) return;
    const { clock } = this.#options;
    let now = clock.now();
    this.#beginTurn(now);
    for (const end = now + TURN_MS; now < end; now = clock.now()) {
      const next = this.#next();
      if (next === undefined) {
        this.#behindSince = undefined;
        return;
      }
      const { addressee, message, flow, since } = next;
      this.#octets -= message.bytes.length;
      addressee.handle(message, flow, this.#isLate(since, now));
    }
  };

  #next(): Waiting | undefined {
    this.#taken = (this.#taken + 1) % OLDEST_EVERY;
    const isOrdinarysTurn = this.#taken === 0 && this.#ordinary.since < this.#urgent.since;
    return isOrdinarysTurn ? this.#ordinary.next() : (this.#urgent.next() ?? this.#ordinary.next());
  }

  #isLate(since: number, now: number): boolean {
    const behindMs = now - (this.#behindSince ?? now);
    return behindMs > PATIENCE_MS && now - since > this.#options.maxWaitMs;
  }
}

/** First in, first out; taking is as cheap as adding. */
class Fifo {
  #items: (Waiting | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** When the first came; later than anything when there is none. */
  get since(): number {
    return this.#items[this.#first]?.since ?? Number.POSITIVE_INFINITY;
  }

  add(item: Waiting): void {
    this.#items.push(item);
  }

  next(): Waiting | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#items[this.#first] = undefined; // a handled message must not be held on to
    this.#first += 1;
    if (this.#first === this.#items.length) this.clear();
    else if (this.#first === COMPACT_AT) {
      this.#items = this.#items.slice(COMPACT_AT);
      this.#first = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#first = 0;
  }
}

const COMPACT_AT = 1_024;
