// Before a message is decoded: whether its source or this node has too much already. RFC 3261 §21.5.4, design section 11.
import type { Random } from "../../platform/random.ts";
import type { Backpressure } from "./backpressure.ts";
import { headOf, isEnding, isOngoing, methodOf, type TopVia, topViaOf } from "./peek.ts";
import type { SourceRates } from "./rates.ts";

export type Excess = "message-size" | "source-rate" | "overload" | "pending-transactions";

export type Verdict =
  | { readonly kind: "refuse"; readonly why: Excess; readonly head: string; readonly via: TopVia }
  | { readonly kind: "drop"; readonly why: Excess };

/** What the gate asks of the transactions behind it. */
export interface Work {
  /** Server transactions without a final answer. */
  readonly pendingCount: number;
  hasServer(key: string): boolean;
}

export interface GateOptions {
  readonly random: Random;
  readonly maxMessageBytes: number;
  readonly maxPendingTransactions: number;
  /** Undefined: sources are not told apart. */
  readonly rates?: SourceRates | undefined;
  /** Undefined: no next node is asked. */
  readonly backpressure?: Backpressure | undefined;
}

/** The rest of the pending transactions is for REGISTERs: who cannot call can still be registered. */
const OF_WHAT_CAN_WAIT = 0.8;

export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** At its arrival. Undefined: let it in. */
  judge(bytes: Buffer, host: string, now: number, work: Work | undefined): Verdict | undefined {
    const { maxMessageBytes, rates } = this.#options;
    if (bytes.length > maxMessageBytes) return turnAway("message-size", headOf(bytes));
    const taken = rates?.take(bytes, host, now) ?? "within";
    if (taken === "far-over") return { kind: "drop", why: "source-rate" };
    if (taken === "over") return turnAway("source-rate", headOf(bytes));
    return this.#tooMuch(bytes, now, work);
  }

  /** When its turn came too late: a response or what ends something is still taken. */
  judgeLate(bytes: Buffer, work: Work | undefined): Verdict | undefined {
    const head = headOf(bytes);
    const method = methodOf(head);
    if (method === undefined || isEnding(method)) return undefined;
    return isRepeated(method, head, work) ? undefined : turnAway("overload", head);
  }

  #tooMuch(bytes: Buffer, now: number, work: Work | undefined): Verdict | undefined {
    const { backpressure, random, maxPendingTransactions } = this.#options;
    const pending = work?.pendingCount ?? 0;
    const isFull = pending >= maxPendingTransactions * OF_WHAT_CAN_WAIT;
    const share = backpressure?.share(now) ?? 1;
    if (!isFull && (share === 1 || random.fraction() < share)) return undefined;
    const head = headOf(bytes);
    const method = methodOf(head);
    // Responses end what is under way; what is no SIP is refused by the decoder.
    if (method === undefined || isOngoing(method, head)) return undefined;
    if (isRepeated(method, head, work)) return undefined;
    if (isFull && method === "REGISTER" && pending < maxPendingTransactions)
      return random.fraction() < share ? undefined : turnAway("overload", head);
    return turnAway(isFull ? "pending-transactions" : "overload", head);
  }
}

/** No new work: the answer to the first one is on its way. */
function isRepeated(method: string, head: string, work: Work | undefined): boolean {
  const via = topViaOf(head);
  return via !== undefined && (work?.hasServer(`${via.branch} ${via.sentBy} ${method}`) ?? false);
}

/** Nobody answers an ACK, and nothing can be sent where no Via is. */
function turnAway(why: Excess, head: string): Verdict {
  const via = topViaOf(head);
  const method = methodOf(head);
  return via === undefined || method === undefined || method === "ACK"
    ? { kind: "drop", why }
    : { kind: "refuse", why, head, via };
}
