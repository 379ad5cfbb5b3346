// Settings of what all peers together and each of them may take of a node, one set for every node.
import { integer, type SchemaOf, seconds } from "../../platform/settings.ts";
import type { StreamLimits } from "../transport/stream-limits.ts";

export interface SipLimits {
  readonly maxMessageBytes: number;
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number;
  readonly maxHalfOpenPerSource: number;
  readonly idleSeconds: number;
  readonly firstMessageSeconds: number;
  readonly partialMessageSeconds: number;
  readonly maxXmlDepth: number;
  readonly maxTransactions: number;
  readonly maxTransactionBytes: number;
  readonly maxPendingTransactions: number;
  readonly pendingSharePercent: number;
  readonly maxWaitMs: number;
  readonly retryAfterSeconds: number;
}

const ONE_YEAR = 31_536_000;

export const sipLimitSettings: SchemaOf<SipLimits> = {
  maxMessageBytes: integer({
    doc: "Longer SIP messages: 513 over UDP, the connection's end over streams.",
    min: 1300,
    max: 65_535,
    default: 65_535,
  }),
  maxHeaders: integer({
    doc: "Header lines of one message; more: 400.",
    min: 16,
    max: 10_000,
    default: 256,
  }),
  maxHeaderBytes: integer({
    doc: "One header line with its folds; longer: 400.",
    min: 256,
    max: 65_535,
    default: 16_384,
  }),
  maxConnections: integer({
    doc: "Connections of one transport.",
    min: 1,
    max: 1_000_000,
    default: 10_000,
  }),
  maxConnectionsPerSource: integer({
    doc: "Connections from one address.",
    min: 1,
    max: 1_000_000,
    default: 2_000,
  }),
  maxHalfOpenPerSource: integer({
    doc: "Connections from one address that have not sent a whole message yet.",
    min: 1,
    max: 1_000_000,
    default: 500,
  }),
  idleSeconds: seconds({
    doc: "A connection that carries nothing for so long is closed.",
    min: 1,
    max: ONE_YEAR,
    default: 7_200,
  }),
  firstMessageSeconds: seconds({
    doc: "Time from connecting to the first whole message.",
    min: 0.1,
    max: ONE_YEAR,
    default: 32,
  }),
  partialMessageSeconds: seconds({
    doc: "Time from a message's first octet to its last; how long a peer may read nothing.",
    min: 0.1,
    max: ONE_YEAR,
    default: 10,
  }),
  maxXmlDepth: integer({
    doc: "Elements within one another in a reginfo body; deeper: 400.",
    min: 4,
    max: 1_000,
    default: 16,
  }),
  maxTransactions: integer({
    doc: "Server transactions, those kept for retransmissions included; more: 503.",
    min: 1,
    default: 500_000,
  }),
  maxTransactionBytes: integer({
    doc: "Octets of the requests of those transactions; more: 503.",
    min: 65_536,
    default: 2 ** 29,
  }),
  maxPendingTransactions: integer({
    doc: "Server transactions without a final answer; new work above: 503, but for REGISTER above 80 % of it.",
    min: 1,
    default: 20_000,
  }),
  pendingSharePercent: integer({
    doc: "Of limits.maxPendingTransactions, what one user may have at a CSCF; more: 503 or 500, Retry-After.",
    min: 1,
    max: 100,
    default: 5,
  }),
  maxWaitMs: integer({
    doc: "A request that waited longer for its turn, while this node is behind for more than a second: 503.",
    min: 1,
    max: 60_000,
    default: 400,
  }),
  retryAfterSeconds: integer({
    doc: "Retry-After of a 503: from this to twice this, at random.",
    min: 1,
    max: 3_600,
    default: 5,
  }),
};

/** What a stream transport is built with. */
export function streamLimitsOf(limits: SipLimits): Partial<StreamLimits> {
  const { maxMessageBytes, maxConnections, maxConnectionsPerSource, maxHalfOpenPerSource } = limits;
  return {
    maxMessageBytes,
    maxConnections,
    maxConnectionsPerSource,
    maxHalfOpenPerSource,
    idleTimeoutMs: limits.idleSeconds * 1000,
    firstMessageTimeoutMs: limits.firstMessageSeconds * 1000,
    partialTimeoutMs: limits.partialMessageSeconds * 1000,
  };
}
