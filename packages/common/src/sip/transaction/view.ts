// Live transactions as an operator sees them.
import type { Flow } from "../transport/transport.ts";

export interface TransactionView {
  readonly kind: "client" | "server";
  readonly method: string;
  /** As RFC 3261 §17 and RFC 6026 name it, in lower case; `initial`: its host name is being looked up. */
  readonly state: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** When the timer that is to end it fires; undefined: none runs, somebody else has to end it. */
  readonly endsAt: number | undefined;
  /** Undefined while it is not known where the request goes. */
  readonly flow: Flow | undefined;
  readonly branch: string;
  readonly callId: string;
}

/** The transactions of one side of a node, however many they are. */
export interface TransactionList {
  /** Of the side. */
  readonly name: string;
  readonly transactions: { readonly servers: number; readonly clients: number };
  /** Those that linger for retransmissions are live, too. Servers first, completed ones first of each kind. */
  listTransactions(offset: number, limit: number): readonly TransactionView[];
}
