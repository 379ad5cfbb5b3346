// The port of the transports' contracts: transports, raw peers, and a way to let time pass.
import type { StreamLimits } from "../../src/sip/transport/stream-limits.ts";
import type {
  Flow,
  HostPort,
  SendFailure,
  Transport,
  TransportEvents,
} from "../../src/sip/transport/transport.ts";
import type { FakeClock } from "../../src/testing/fake-clock.ts";

/** Something below SIP that talks to a transport. */
export interface RawPeer {
  readonly local: HostPort;
  readonly received: string;
  readonly closed: boolean;
  write(octets: string): void;
  close(): void;
}

export interface TransportLab {
  /** Transports take their time from here, whatever carries their octets. */
  readonly clock: FakeClock;
  transport(at: HostPort, limits?: Partial<StreamLimits>): Transport;
  /** A raw peer of the transport at `to`. */
  dial(to: HostPort): Promise<RawPeer>;
  /** Waits, without moving the clock more than needed. */
  until(condition: () => boolean): Promise<void>;
}

/** Everything a transport reported. */
export class Recorder implements TransportEvents {
  readonly messages: { text: string; flow: Flow }[] = [];
  readonly closed: Flow[] = [];
  readonly rejected: string[] = [];
  readonly failures: SendFailure[] = [];

  onMessage(bytes: Buffer, flow: Flow): void {
    this.messages.push({ text: bytes.toString("latin1"), flow });
  }

  onClosed(flow: Flow): void {
    this.closed.push(flow);
  }

  onRejected(reason: string): void {
    this.rejected.push(reason);
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  /** The flow of the last message. */
  get flow(): Flow {
    const last = this.messages.at(-1);
    if (last === undefined) throw new Error("no message has arrived");
    return last.flow;
  }
}

/** A message that streams can frame and nobody has to answer: connections end at once. */
export function message(name: string, body = ""): string {
  return `ACK sip:${name} SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** What a test has opened at one lab, and closes with it. */
export class OpenedTransports {
  readonly lab: TransportLab;
  readonly #host: string;
  readonly #transports: Transport[] = [];
  readonly #peers: RawPeer[] = [];

  constructor(lab: TransportLab, host: string) {
    this.lab = lab;
    this.#host = host;
  }

  /** Listens at a free port. */
  async open(limits?: Partial<StreamLimits>): Promise<[Transport, Recorder]> {
    const transport = this.lab.transport({ host: this.#host, port: 0 }, limits);
    const recorder = new Recorder();
    await transport.listen(recorder);
    this.#transports.push(transport);
    return [transport, recorder];
  }

  async close(transport: Transport): Promise<void> {
    let done = false;
    const closing = transport.close().then(() => {
      done = true;
    });
    await this.lab.until(() => done);
    await closing;
  }

  async dial(to: HostPort): Promise<RawPeer> {
    const peer = await this.lab.dial(to);
    this.#peers.push(peer);
    return peer;
  }

  async closeAll(): Promise<void> {
    for (const peer of this.#peers) peer.close();
    for (const transport of this.#transports) await this.close(transport);
  }
}
