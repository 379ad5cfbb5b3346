// Causes under the messages they explain: a node's log arrives before the ladder has shown the answer it is about.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Device } from "./devices.ts";
import type { SeenMessage } from "./sightings.ts";

export interface Remark {
  readonly tone: "good" | "bad" | "note";
  /** The user, or the address of somebody without one; "" when it is about none. */
  readonly who: string;
  /** As the ladder calls the device, which it may learn after the log has told of it; not given: `who`. */
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

/** Answers that were shown before what the log says about them came. */
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

export class Remarks {
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
    const timer = this.#clock.after(LONGEST_WAIT_MS, () => this.#tell(waiting));
    const waiting: Waiting = { remark, timer };
    this.#waiting.add(waiting);
  }

  /** The ladder has shown this one. */
  shown({ at, to, message }: SeenMessage, { user, label }: Device): void {
    const isAnswer = message.kind === "response" && message.status >= 200;
    if (!isAnswer || (to !== "stranger" && to !== "UE")) return;
    const { callId, cseq } = message;
    const answer = { at, callId, status: message.status, method: cseq.method, who: user ?? label };
    this.#recent.push(answer);
    if (this.#recent.length > MOST_RECENT) this.#recent.shift();
    for (const waiting of this.#waiting) if (belongs(waiting.remark, answer)) this.#tell(waiting);
  }

  #tell(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    waiting.timer.cancel();
    this.#show(waiting.remark);
  }
}

/** Without a Call-ID it is about a registration. */
function belongs({ tone, at = 0, callId, who }: Remark, answer: Answer): boolean {
  // A node may tell of a success after the answer has left; of a refusal it tells before.
  const isSuccess = tone === "good";
  if (isSuccess !== answer.status < 300 || answer.at + (isSuccess ? LATE_MS : 0) < at) return false;
  if (callId !== undefined) return callId === answer.callId;
  return who === answer.who && answer.method === "REGISTER";
}
