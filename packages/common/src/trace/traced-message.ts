// One SIP message as it passed a node's transport, for HEP and pcap.
import type { HostPort, TransportName } from "../sip/transport/transport.ts";

export interface TracedMessage {
  /** Milliseconds since the epoch; fractions are microseconds. */
  readonly at: number;
  readonly transport: TransportName;
  readonly from: HostPort;
  readonly to: HostPort;
  readonly bytes: Buffer;
  /** The node that saw it. */
  readonly node?: string;
  /** What joins the messages of one call at a collector: the Call-ID. */
  readonly correlationId?: string;
}

/** Where traced messages go. */
export interface TraceSink {
  /** Never throws; what cannot be written is lost. */
  trace(message: TracedMessage): void;
  close(): Promise<void>;
}

/** Whole seconds and microseconds of an instant. */
export function secondsAndMicroseconds(at: number): { seconds: number; microseconds: number } {
  const total = Math.round(at * 1000);
  const seconds = Math.floor(total / 1e6);
  return { seconds, microseconds: total - seconds * 1e6 };
}
