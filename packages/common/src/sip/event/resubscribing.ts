// Renewal of a subscription that has ended: as its end says, and ever later while that does not help. RFC 6665 §4.1.3.
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Resubscribe } from "./ending.ts";

/** One that lasted so long was no failure: the next end counts as the first. */
const SETTLED_MS = 60_000;
/** Ends in a row that are followed at once. */
const AT_ONCE = 1;
const LONGEST_PAUSE_SECONDS = 300;

interface Course {
  /** Ends in a row after less than `SETTLED_MS`. */
  quickEnds: number;
  startedAt: number;
  timer: Timer | undefined;
}

/** One subscription per key; `again` decides at its time whether it is still wanted. */
export class Resubscribing {
  readonly #clock: Clock;
  readonly #courses = new Map<string, Course>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Its SUBSCRIBE leaves now. */
  started(key: string): void {
    const course = this.#courses.get(key);
    course?.timer?.cancel();
    const quickEnds = course?.quickEnds ?? 0;
    this.#courses.set(key, { quickEnds, startedAt: this.#clock.now(), timer: undefined });
  }

  /** Even "at once" is later than the NOTIFY that says so: the same NOTIFY may end more. */
  ended(key: string, advice: Exclude<Resubscribe, { kind: "never" }>, again: () => void): void {
    const now = this.#clock.now();
    const before = this.#courses.get(key);
    before?.timer?.cancel();
    const isQuick = before !== undefined && now - before.startedAt < SETTLED_MS;
    const quickEnds = isQuick ? before.quickEnds + 1 : 0;
    const pause = quickEnds <= AT_ONCE ? 0 : Math.min(2 ** quickEnds, LONGEST_PAUSE_SECONDS);
    const seconds = advice.kind === "later" ? Math.max(advice.seconds, pause) : pause;
    const timer = this.#clock.after(seconds * 1000, again);
    this.#courses.set(key, { quickEnds, startedAt: before?.startedAt ?? now, timer });
  }

  /** Nobody wants it any more. */
  forget(key: string): void {
    this.#courses.get(key)?.timer?.cancel();
    this.#courses.delete(key);
  }

  close(): void {
    for (const key of [...this.#courses.keys()]) this.forget(key);
  }
}
