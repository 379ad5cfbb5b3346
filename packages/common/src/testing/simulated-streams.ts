// The streams of a simulated network: connect, octets in order, end, break.
import type { Carrier, Pipe, PipeEvents } from "../sip/transport/pipe.ts";
import { formatHostPort, type HostPort, type SendFailure } from "../sip/transport/transport.ts";
import { type Direction, goes } from "./drop-patterns.ts";
import type { Wire } from "./wire.ts";

type Accept = (pipe: Pipe, remote: HostPort) => void;

export class SimulatedStreams {
  readonly #wire: Wire;
  readonly #listeners = new Map<string, Accept>();
  readonly #ends = new Set<End>();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  carrier(): Carrier {
    let listening = "";
    return {
      listen: (at, accept) => {
        try {
          const local = this.#wire.takePort(at, (key) => this.#listeners.has(key));
          listening = formatHostPort(local);
          this.#listeners.set(listening, accept);
          return Promise.resolve(local);
        } catch (error) {
          return Promise.reject(error);
        }
      },
      connect: (from, to) => this.#connect(from.host, to),
      close: () => {
        this.#listeners.delete(listening);
        return Promise.resolve();
      },
    };
  }

  break(direction: Direction): void {
    for (const end of this.#endsOf(direction)) end.close("closed");
  }

  silence(direction: Direction): void {
    for (const end of this.#endsOf(direction)) end.silence();
  }

  #endsOf(direction: Direction): readonly End[] {
    return [...this.#ends].filter(
      ({ local, remote }) => goes(direction, local, remote) || goes(direction, remote, local),
    );
  }

  #connect(host: string, to: HostPort): Pipe {
    const wire = this.#wire;
    const from = wire.takePort({ host, port: 0 }, (key) => this.#inUse(key));
    const client = this.#newEnd(from, to);
    if (wire.isCut(from, to)) return client;
    wire.clock.after(wire.latency(from, to), () => this.#arrive(client));
    return client;
  }

  /** The connection request of `client` reaches its destination. */
  #arrive(client: End): void {
    const { clock } = this.#wire;
    const accept = this.#listeners.get(formatHostPort(client.remote));
    if (client.closed || this.#wire.isCut(client.remote, client.local)) return;
    const back = this.#wire.latency(client.remote, client.local);
    if (accept === undefined) {
      clock.after(back, () => client.close("refused"));
      return;
    }
    const server = this.#newEnd(client.remote, client.local);
    client.peer = server;
    server.peer = client;
    clock.after(back, () => client.opened());
    accept(server, client.local);
  }

  #newEnd(local: HostPort, remote: HostPort): End {
    const end = new End(this.#wire, local, remote, () => this.#ends.delete(end));
    this.#ends.add(end);
    return end;
  }

  #inUse(key: string): boolean {
    for (const end of this.#ends) if (formatHostPort(end.local) === key) return true;
    return this.#listeners.has(key);
  }
}

/** One side of a stream. */
class End implements Pipe {
  readonly local: HostPort;
  readonly remote: HostPort;
  peer: End | undefined;
  closed = false;
  backlog = 0;
  readonly #wire: Wire;
  readonly #forget: () => void;
  #events: PipeEvents | undefined;
  /** When the last octets or the end sent arrive: nothing overtakes them. */
  #lastArrival = 0;
  /** Something sent was lost in a cut: a stream delivers nothing behind a gap. */
  #stalled = false;
  #isSilent = false;

  constructor(wire: Wire, local: HostPort, remote: HostPort, forget: () => void) {
    this.#wire = wire;
    this.local = local;
    this.remote = remote;
    this.#forget = forget;
  }

  start(events: PipeEvents): void {
    this.#events = events;
  }

  opened(): void {
    if (!this.closed) this.#events?.onOpen(this.local);
  }

  write(given: Buffer, onFailure?: (why: SendFailure) => void): void {
    const { clock, segmentBytes } = this.#wire;
    if (this.closed) {
      if (onFailure !== undefined) clock.after(0, () => onFailure("closed"));
      return;
    }
    const bytes = Buffer.from(given);
    const lost = this.#isStalled();
    const { local: from, remote: to } = this;
    const fate = lost ? "lost" : "sent";
    this.#wire.record({ at: clock.now(), transport: "tcp", from, to, bytes, fate });
    // The host takes what it cannot send; only a cut that is told from there fills up.
    if (!this.#isSilent) this.backlog += bytes.length;
    if (lost) return;
    const size = Math.min(segmentBytes, bytes.length);
    for (let at = 0; at < bytes.length; at += size) {
      const segment = bytes.subarray(at, at + size);
      this.#inOrder(() => {
        this.backlog -= segment.length;
        this.peer?.receive(segment);
      });
    }
  }

  /** As if a NAT between both had forgotten it. */
  silence(): void {
    this.#isSilent = true;
    this.#stalled = true;
  }

  receive(bytes: Buffer): void {
    if (!this.closed) this.#events?.onBytes(bytes);
  }

  end(): void {
    if (this.closed || this.#isStalled()) return;
    this.#inOrder(() => {
      this.peer?.close("closed");
      this.close("closed");
    });
  }

  destroy(): void {
    if (this.closed) return;
    if (!this.#isStalled()) this.#inOrder(() => this.peer?.close("closed"));
    this.close("closed");
  }

  /** This side learns that the stream is over. */
  close(why: SendFailure): void {
    if (this.closed) return;
    this.closed = true;
    this.#forget();
    this.#wire.clock.after(0, () => this.#events?.onClosed(why));
  }

  #isStalled(): boolean {
    this.#stalled ||= this.#wire.isCut(this.local, this.remote);
    return this.#stalled;
  }

  #inOrder(arrive: () => void): void {
    const { clock } = this.#wire;
    const due = clock.now() + this.#wire.latency(this.local, this.remote);
    this.#lastArrival = Math.max(this.#lastArrival, due);
    clock.at(this.#lastArrival, arrive);
  }
}
