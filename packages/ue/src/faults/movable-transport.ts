// A transport that goes on from another port, as behind a NAT that has forgotten: nobody above it is told. RFC 5626 §3.5.1.
import type {
  Flow,
  HostPort,
  Remote,
  SendFailure,
  Transport,
  TransportEvents,
  TransportName,
} from "@ims-lab/common/sip/transport/transport";

export class MovableTransport implements Transport {
  readonly #another: () => Transport;
  #transport: Transport;
  #events: TransportEvents | undefined;
  /** Where it was before it moved, which is what it is taken for still. */
  #named: HostPort | undefined;

  /** @param another makes one at a free port */
  constructor(first: Transport, another: () => Transport) {
    this.#transport = first;
    this.#another = another;
  }

  get name(): TransportName {
    return this.#transport.name;
  }

  get reliable(): boolean {
    return this.#transport.reliable;
  }

  get local(): HostPort {
    return this.#named ?? this.#transport.local;
  }

  listen(events: TransportEvents): Promise<void> {
    this.#events = events;
    return this.#transport.listen(this.#eventsOf(this.#transport, events));
  }

  flowTo(remote: Remote): Flow {
    return this.#transport.flowTo(remote);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    this.#transport.send(bytes, this.#now(flow), onFailure);
  }

  ping(flow: Flow, onPong: () => void): void {
    this.#transport.ping?.(this.#now(flow), onPong);
  }

  giveUp(flow: Flow): void {
    this.#transport.giveUp?.(this.#now(flow));
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** What comes to the old port, or over connections from there, is not heard of any more. */
  async move(): Promise<void> {
    const before = this.#transport;
    const next = this.#another();
    if (this.#events !== undefined) await next.listen(this.#eventsOf(next, this.#events));
    this.#named ??= before.local;
    this.#transport = next;
    await before.close();
  }

  /** Where what is sent over this flow goes since it has moved. */
  #now(flow: Flow): Flow {
    return this.#named === undefined ? flow : this.#transport.flowTo(flow.remote);
  }

  #eventsOf(transport: Transport, events: TransportEvents): TransportEvents {
    const isCurrent = (): boolean => transport === this.#transport;
    return {
      onMessage: (bytes, flow) => {
        if (isCurrent()) events.onMessage(bytes, flow);
      },
      onClosed: (flow) => {
        if (isCurrent()) events.onClosed(flow);
      },
      onRejected: (reason, flow) => {
        if (isCurrent()) events.onRejected(reason, flow);
      },
    };
  }
}
