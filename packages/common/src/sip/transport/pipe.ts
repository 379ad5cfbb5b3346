// What a stream transport needs from below: connections that carry octets. TCP and memory provide it.
import type { HostPort, SendFailure } from "./transport.ts";

export interface PipeEvents {
  /** An outgoing connection is made; `local` is this side's address. */
  onOpen(local: HostPort): void;
  /** `chunk` may be kept. */
  onBytes(chunk: Buffer): void;
  /** The last event, exactly once, whether the pipe ever opened or not; never from within a call. */
  onClosed(why: SendFailure): void;
}

/** One connection. */
export interface Pipe {
  readonly local: HostPort;
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
  /** Binds; resolves with the real port. Rejects with the system's error. */
  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort>;
  /** Begins to connect, from the same address as `from` but any port. */
  connect(from: HostPort, to: HostPort): Pipe;
  /** Accepts no more; resolves when every connection has gone. */
  close(): Promise<void>;
}
