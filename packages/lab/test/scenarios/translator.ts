// An address translator before one device: its peers see another address, and a mapping nobody uses is forgotten. RFC 4787.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { DatagramPort, MemoryNetwork } from "@ims-lab/common/sip/transport/memory";
import type { Carrier, Pipe } from "@ims-lab/common/sip/transport/pipe";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";

/** RFC 4787 §4.3 wants two minutes; many devices forget a UDP mapping after 30 s. */
const MAPPING_MS = 30_000;

export class Translator implements MemoryNetwork {
  readonly #network: MemoryNetwork;
  readonly #outside: string;
  #ports: Mapping[] = [];

  /** @param outside the address that peers see */
  constructor(network: MemoryNetwork, outside: string) {
    this.#network = network;
    this.#outside = outside;
  }

  get clock(): Clock {
    return this.#network.clock;
  }

  bind(at: HostPort, receive: (bytes: Buffer, from: HostPort) => void): DatagramPort {
    const inside = { host: at.host, port: at.port === 0 ? 5060 : at.port };
    const mapping = new Mapping(this.#network, this.#outside, receive);
    this.#ports.push(mapping);
    return {
      local: inside,
      send: (bytes, to, onRefused) => mapping.send(bytes, to, onRefused),
      close: () => mapping.close(),
    };
  }

  carrier(): Carrier {
    const { listen, connect, close } = this.#network.carrier();
    return {
      listen, // behind a translator nobody gets there
      connect: (from, to) => insideOf(connect({ ...from, host: this.#outside }, to), from),
      close,
    };
  }

  /** It has restarted: what comes in the old ways is lost, what goes out gets other ports. */
  restart(): void {
    for (const mapping of this.#ports) mapping.forget();
  }
}

/** The device goes on seeing its own address. */
function insideOf(pipe: Pipe, { host }: HostPort): Pipe {
  return {
    get local() {
      return { ...pipe.local, host };
    },
    get backlog() {
      return pipe.backlog;
    },
    start: (events) =>
      pipe.start({ ...events, onOpen: (local) => events.onOpen({ ...local, host }) }),
    write: (bytes, onFailure) => pipe.write(bytes, onFailure),
    end: () => pipe.end(),
    destroy: () => pipe.destroy(),
  };
}

/** One inside port, and the outside port it has for now. */
class Mapping {
  readonly #network: MemoryNetwork;
  readonly #outside: string;
  readonly #receive: (bytes: Buffer, from: HostPort) => void;
  #port: DatagramPort | undefined;
  #usedAt = 0;

  constructor(
    network: MemoryNetwork,
    outside: string,
    receive: (bytes: Buffer, from: HostPort) => void,
  ) {
    this.#network = network;
    this.#outside = outside;
    this.#receive = receive;
  }

  send(bytes: Buffer, to: HostPort, onRefused?: () => void): void {
    if (!this.#isAlive) this.forget();
    this.#usedAt = this.#network.clock.now();
    this.#port ??= this.#network.bind({ host: this.#outside, port: 0 }, (answer, from) => {
      if (this.#isAlive) this.#receive(answer, from);
    });
    this.#port.send(bytes, to, onRefused);
  }

  forget(): void {
    this.#port?.close();
    this.#port = undefined;
  }

  close(): void {
    this.forget();
  }

  get #isAlive(): boolean {
    return this.#network.clock.now() - this.#usedAt < MAPPING_MS;
  }
}
