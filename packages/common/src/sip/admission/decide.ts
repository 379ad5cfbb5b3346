// Admission: whether a message is let in, before it is decoded. RFC 3261 §8.2.7, §21.5.4, RFC 6357 §4, RFC 7339 §5.
import type { Peek } from "./peek.ts";
import type { Taken } from "./token-buckets.ts";

/** The limit that a message exceeds. */
export type Excess = "message-size" | "source-rate" | "overload" | "pending-transactions";

/** `refuse`: answered 503, or 513 for its size. `drop`: nobody answers it. */
export type Decision =
  | { readonly kind: "admit" }
  | { readonly kind: "refuse"; readonly why: Excess }
  | { readonly kind: "drop"; readonly why: Excess };

/** What the decision is taken on, beside the message. */
export interface AdmissionState {
  readonly maxMessageBytes: number;
  /** What its source has taken of its rate, this message included. */
  readonly rate: Taken;
  /** Server transactions without a final answer, and how many there may be. */
  readonly pending: number;
  readonly maxPending: number;
  /** Share of new work that goes on to the next node, 0 to 1. */
  readonly share: number;
  /** From 0 to 1, drawn at random: what is at the share or above it does not go on. */
  readonly draw: number;
  /** It has waited in the queue for longer than it may, while this node is behind. */
  readonly isLate: boolean;
  /** Whether this server transaction exists: its request costs nothing new. */
  hasServer(key: string): boolean;
}

const ADMIT: Decision = { kind: "admit" };

/** The rest of the pending transactions is for REGISTERs: who cannot call can still be registered. */
const OF_WHAT_CAN_WAIT = 0.8;

/** Pure, and costs no look into the message while there is room for all. */
export function decide(message: Peek, state: AdmissionState): Decision {
  if (message.bytes.length > state.maxMessageBytes) return turnAway("message-size", message);
  if (state.rate === "far-over") return DROPS["source-rate"];
  if (state.rate === "over") return turnAway("source-rate", message);
  if (state.isLate) return decideLate(message, state);
  const isFull = state.pending >= state.maxPending * OF_WHAT_CAN_WAIT;
  const goesOn = state.draw < state.share;
  if (!isFull && goesOn) return ADMIT;
  // Responses end what is under way; what is no SIP is refused by the decoder.
  if (message.method === undefined || message.isOngoing) return ADMIT;
  if (isRepeated(message, state)) return ADMIT;
  if (isFull && message.method === "REGISTER" && state.pending < state.maxPending)
    return goesOn ? ADMIT : turnAway("overload", message);
  return turnAway(isFull ? "pending-transactions" : "overload", message);
}

/** A response or what ends something is still taken. */
function decideLate(message: Peek, state: AdmissionState): Decision {
  if (message.method === undefined || message.isEnding) return ADMIT;
  return isRepeated(message, state) ? ADMIT : turnAway("overload", message);
}

/** No new work: the answer to the first one is on its way. */
function isRepeated({ transactionKey }: Peek, state: AdmissionState): boolean {
  return transactionKey !== undefined && state.hasServer(transactionKey);
}

/** Nobody answers an ACK, and nothing can be sent where no Via is. */
function turnAway(why: Excess, { via, method }: Peek): Decision {
  const isAnswered = via !== undefined && method !== undefined && method !== "ACK";
  return (isAnswered ? REFUSALS : DROPS)[why];
}

const REFUSALS: Readonly<Record<Excess, Decision>> = {
  "message-size": { kind: "refuse", why: "message-size" },
  "source-rate": { kind: "refuse", why: "source-rate" },
  overload: { kind: "refuse", why: "overload" },
  "pending-transactions": { kind: "refuse", why: "pending-transactions" },
};

const DROPS: Readonly<Record<Excess, Decision>> = {
  "message-size": { kind: "drop", why: "message-size" },
  "source-rate": { kind: "drop", why: "source-rate" },
  overload: { kind: "drop", why: "overload" },
  "pending-transactions": { kind: "drop", why: "pending-transactions" },
};
