// Before a message is decoded: whether its source or this node has too much already. RFC 3261 §21.5.4, design section 11.
import type { Random } from "../../platform/random.ts";
import { headOf, isOngoing, methodOf, type TopVia, topViaOf } from "./first-look.ts";
import type { Governor } from "./governor.ts";
import type { SourceRates } from "./rate-limits.ts";

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
  /** Undefined: this node is never too busy. */
  readonly governor?: Governor | undefined;
}

export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Undefined: let it in. */
  judge(bytes: Buffer, host: string, now: number, work: Work | undefined): Verdict | undefined {
    const { maxMessageBytes, rates } = this.#options;
    if (bytes.length > maxMessageBytes) return turnAway("message-size", headOf(bytes));
    const taken = rates?.take(bytes, host, now) ?? "within";
    if (taken === "far-over") return { kind: "drop", why: "source-rate" };
    if (taken === "over") return turnAway("source-rate", headOf(bytes));
    return this.#tooMuch(bytes, work);
  }

  #tooMuch(bytes: Buffer, work: Work | undefined): Verdict | undefined {
    const { governor, random, maxPendingTransactions } = this.#options;
    const isFull = (work?.pendingCount ?? 0) >= maxPendingTransactions;
    const fresh = governor?.freshShare ?? 1;
    if (!isFull && fresh >= 1) return undefined;
    const chance = random.fraction();
    const ongoing = governor?.ongoingShare ?? 1;
    if (!isFull && chance < Math.min(fresh, ongoing)) return undefined;
    const head = headOf(bytes);
    const method = methodOf(head);
    // Responses end what is under way; what is no SIP is refused by the decoder.
    if (method === undefined) return undefined;
    if (isOngoing(method, head) && chance < ongoing) return undefined;
    const via = topViaOf(head);
    // A repeated request is no new work, and the answer to the first one is on its way.
    if (via !== undefined && work?.hasServer(`${via.branch} ${via.sentBy} ${method}`))
      return undefined;
    return turnAway(isFull ? "pending-transactions" : "overload", head);
  }
}

/** Nobody answers an ACK, and nothing can be sent where no Via is. */
function turnAway(why: Excess, head: string): Verdict {
  const via = topViaOf(head);
  const method = methodOf(head);
  return via === undefined || method === undefined || method === "ACK"
    ? { kind: "drop", why }
    : { kind: "refuse", why, head, via };
}
