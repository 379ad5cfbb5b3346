// The port to a UDP socket: Node's own, or one that takes and sends several datagrams per system call.
import type { HostPort, SendFailure } from "../transport.ts";

/** `bytes` may be kept. */
export type OnDatagram = (bytes: Buffer, host: string, port: number) => void;

export interface DatagramSocket {
  /** Once. Resolves with the address it got; rejects with the system's error. */
  bind(at: HostPort, onDatagram: OnDatagram): Promise<HostPort>;
  /** At most 65 507 octets; what is sent after `close`, or before `bind`, has failed. */
  send(bytes: Buffer, to: HostPort, onFailure?: (why: SendFailure) => void): void;
  /** What was sent before has left. */
  close(): Promise<void>;
}

export interface DatagramSocketOptions {
  /** What the kernel is asked to buffer each way; it silently gives less if it must. */
  readonly bufferBytes: number;
}
