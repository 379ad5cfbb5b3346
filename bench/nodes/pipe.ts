// A network without sockets: what one side sends waits in a queue until it is carried to the other.
import type {
  Flow,
  HostPort,
  Transport,
  TransportEvents,
} from "@ims-lab/common/sip/transport/transport";

interface Sent {
  readonly bytes: Buffer;
  readonly from: HostPort;
  readonly to: HostPort;
}

export class Wire {
  readonly #pipes = new Map<number, Pipe>();
  #queue: Sent[] = [];
  /** Called when there is something to carry that was not before; absent: whoever sends sees to it. */
  wake?: () => void;

  /** Ports name the places; the hosts are only shown. */
  at(local: HostPort): Pipe {
    const pipe = new Pipe(this, local);
    this.#pipes.set(local.port, pipe);
    return pipe;
  }

  put(sent: Sent): void {
    this.#queue.push(sent);
    if (this.#queue.length === 1) this.wake?.();
  }

  /** Carries everything that is on the way, and what is sent in answer. */
  carry(): void {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const { bytes, from, to } of batch) this.#pipes.get(to.port)?.take(bytes, from);
    }
  }
}

export class Pipe implements Transport {
  readonly name = "udp";
  readonly reliable = false;
  readonly local: HostPort;
  readonly #wire: Wire;
  readonly #flows = new Map<number, Flow>();
  #events: TransportEvents | undefined;

  constructor(wire: Wire, local: HostPort) {
    this.#wire = wire;
    this.local = local;
  }

  listen(events: TransportEvents): Promise<void> {
    this.#events = events;
    return Promise.resolve();
  }

  flowTo(remote: HostPort): Flow {
    let flow = this.#flows.get(remote.port);
    if (flow === undefined) {
      const id = `udp ${this.local.host}:${this.local.port} ${remote.host}:${remote.port}`;
      flow = { id, transport: "udp", local: this.local, remote };
      this.#flows.set(remote.port, flow);
    }
    return flow;
  }

  send(bytes: Buffer, flow: Flow): void {
    this.#wire.put({ bytes, from: this.local, to: flow.remote });
  }

  take(bytes: Buffer, from: HostPort): void {
    this.#events?.onMessage(bytes, this.flowTo(from));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
