// Limits of one peer's share of a stream transport's memory, time and connections.

export interface StreamLimits {
  readonly connectTimeoutMs: number;
  /** A connection that carried nothing either way for so long is closed. */
  readonly idleTimeoutMs: number;
  /** From the first octet of a message to its last, and without reading any of what we write: against slow peers. */
  readonly partialTimeoutMs: number;
  /** From accepting a connection to its first whole message. */
  readonly firstMessageTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number;
  /** Accepted connections of one source that have not carried a whole message yet. */
  readonly maxHalfOpenPerSource: number;
  /** What may wait to be written to one connection. */
  readonly maxBacklogBytes: number;
  /** How long a peer that has closed its side waits for the answers to its requests. */
  readonly answerGraceMs: number;
  /** How long `close` lets connections finish writing. */
  readonly closeGraceMs: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  connectTimeoutMs: 1000,
  idleTimeoutMs: 7_200_000, // longer than a registration of 3600 s without keep-alive
  partialTimeoutMs: 10_000,
  firstMessageTimeoutMs: 32_000,
  maxMessageBytes: 65_535,
  maxConnections: 10_000,
  maxConnectionsPerSource: 2_000,
  maxHalfOpenPerSource: 500,
  maxBacklogBytes: 2 ** 20,
  answerGraceMs: 32_000, // 64*T1: by then there is an answer or none
  closeGraceMs: 500,
};

/** What every quiet connection comes to. */
export const IDLE = "idle for too long";

/** All are taken, and this one had not said anything yet. */
export const MADE_ROOM = "silent, gave way to another connection";

/** The setting behind each reason for which a connection is turned away or cut off. */
export const CONNECTION_LIMITS: ReadonlyMap<string, string> = new Map([
  ["too many connections", "limits.maxConnections"],
  [MADE_ROOM, "limits.maxConnections"],
  ["too many connections of one source", "limits.maxConnectionsPerSource"],
  ["too many half-open connections", "limits.maxHalfOpenPerSource"],
  ["handshake not completed", "limits.firstMessageSeconds"],
  ["no message after connecting", "limits.firstMessageSeconds"],
  ["message not completed", "limits.partialMessageSeconds"],
  ["peer does not read", "limits.partialMessageSeconds"],
  ["message too large", "limits.maxMessageBytes"],
  [IDLE, "limits.idleSeconds"],
]);
