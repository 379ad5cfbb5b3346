// The wire of a simulated network: what passes, and what its streams need of it.
import type { Clock } from "../platform/clock.ts";
import type { HostPort, TransportName } from "../sip/transport/transport.ts";

/** One datagram, or one write to a stream. */
export interface WirePassage {
  /** When it was sent. */
  readonly at: number;
  readonly transport: TransportName;
  readonly from: HostPort;
  readonly to: HostPort;
  readonly bytes: Buffer;
  readonly fate: "sent" | "lost" | "refused";
}

/** What streams need of the network they run over. */
export interface Wire {
  readonly clock: Clock;
  readonly segmentBytes: number;
  latency(from: HostPort, to: HostPort): number;
  isCut(from: HostPort, to: HostPort): boolean;
  record(passage: WirePassage): void;
  takePort(at: HostPort, inUse: (key: string) => boolean): HostPort;
}
