// Port of a stream transport to connections that carry octets or frames. TCP, TLS, WebSocket and memory provide it.
import type { HostPort, Remote, SendFailure, TlsPeer } from "./transport.ts";

export interface PipeEvents {
  /** An outgoing connection is made, or the handshake of an accepted one is over; `local` is this side's address. */
  onOpen(local: HostPort): void;
  /** `chunk` may be kept. Where the carrier is framed, it is one whole frame. */
  onBytes(chunk: Buffer): void;
  /** What came cannot be taken; the pipe is closed after this. */
  onRejected(reason: string): void;
  /** The peer writes no more; where it can, it still reads. Not called by carriers without half-closed connections. */
  onEnded(): void;
  /** The last event, exactly once, whether the pipe ever opened or not; never from within a call. */
  onClosed(why: SendFailure): void;
}

/** One connection. */
export interface Pipe {
  readonly local: HostPort;
  /** True of an accepted connection whose handshake is still to come; it ends with `onOpen`. */
  readonly opening?: boolean;
  /** Once open, where it is secured. */
  readonly tls?: TlsPeer | undefined;
  /** Where the carrier is framed: a message has begun and is not whole; `onBytes` of nothing says so. */
  readonly unfinished?: boolean;
  /** Octets written that have not left yet. */
  readonly backlog: number;
  /** From here on events come; called once, at once. */
  start(events: PipeEvents): void;
  write(bytes: Buffer, onFailure?: (why: SendFailure) => void): void;
  /** Closes after everything written has left. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** One listener and the connections made beside it. */
export interface Carrier {
  /** One write, one frame, one message (RFC 7118 §5); else a stream to be cut by Content-Length. */
  readonly framed?: boolean;
  /** Binds; resolves with the real port. Rejects with the system's error. */
  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort>;
  /** Begins to connect, from the same address as `from` but any port. */
  connect(from: HostPort, to: Remote): Pipe;
  /** Accepts no more; resolves when every connection has gone. */
  close(): Promise<void>;
}
