// Remarks held back until the ladder has shown the answer that they explain.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Device } from "./devices.ts";
import type { LadderMessage } from "./message-correlator.ts";

export interface Remark {
  readonly tone: "good" | "bad" | "note";
  /** The user, or the address of a device without one; "" when it is about no device. */
  readonly who: string;
  /** The ladder's name for the device, which may be known only later; absent: `who`. */
  readonly label?: () => string;
  /** Follows `who`: ": the password differs" or " is registered". */
  readonly text: string;
  /** Milliseconds since the epoch: it stands under the next final answer to the device, one of this Call-ID if known. */
  readonly at?: number;
  readonly callId?: string | undefined;
}

/** As long as a report of the message may take; then the remark stands alone. */
const LONGEST_WAIT_MS = 500;
const MOST_WAITING = 200;

/** Answers that were shown before the log line about them came. */
const MOST_RECENT = 50;
const LATE_MS = 100;

/** A final answer to a device. */
interface Answer {
  readonly at: number;
  readonly callId: string;
  readonly status: number;
  readonly method: string;
  readonly who: string;
}

interface Waiting {
  readonly remark: Remark;
  readonly timer: Timer;
}

export class RemarkQueue {
  readonly #clock: Clock;
  readonly #show: (remark: Remark) => void;
  readonly #waiting = new Set<Waiting>();
  readonly #recent: Answer[] = [];

  constructor(clock: Clock, show: (remark: Remark) => void) {
    this.#clock = clock;
    this.#show = show;
  }

  add(remark: Remark): void {
    const isLate = this.#recent.some((answer) => belongs(remark, answer));
    if (isLate || this.#waiting.size >= MOST_WAITING) {
      this.#show(remark);
      return;
    }
    const timer = this.#clock.after(LONGEST_WAIT_MS, () => this.#release(waiting));
    const waiting: Waiting = { remark, timer };
    this.#waiting.add(waiting);
  }

  /** The ladder has shown this one. */
  shown({ at, to, message }: LadderMessage, { user, label }: Device): void {
    const isAnswer = message.kind === "response" && message.status >= 200;
    if (!isAnswer || (to !== "stranger" && to !== "UE")) return;
    const { callId, cseq } = message;
    const answer = { at, callId, status: message.status, method: cseq.method, who: user ?? label };
    this.#recent.push(answer);
    if (this.#recent.length > MOST_RECENT) this.#recent.shift();
    for (const waiting of this.#waiting)
      if (belongs(waiting.remark, answer)) this.#release(waiting);
  }

  #release(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    waiting.timer.cancel();
    this.#show(waiting.remark);
  }
}

/** Without a Call-ID it is about a registration. */
function belongs({ tone, at = 0, callId, who }: Remark, answer: Answer): boolean {
  // A node logs a success after its answer may have left, a refusal before.
  const isSuccess = tone === "good";
  if (isSuccess !== answer.status < 300 || answer.at + (isSuccess ? LATE_MS : 0) < at) return false;
  if (callId !== undefined) return callId === answer.callId;
  return who === answer.who && answer.method === "REGISTER";
}
