// One life of a node, from its start to its end without a word: its own clock and its own way to the network.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { DatagramPort, MemoryNetwork } from "@ims-lab/common/sip/transport/memory";
import type { Carrier, Pipe } from "@ims-lab/common/sip/transport/pipe";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";

export interface LifeParts {
  readonly clock: Clock;
  readonly network: SimulatedNetwork;
  /** Whether this datagram passes twice. */
  isDoubled(): boolean;
}

const NO_TIMER: Timer = { cancel: () => undefined };

/** What a node is given in place of the world's clock and network; when it is dead, neither does anything. */
export class Life implements Clock, MemoryNetwork {
  readonly clock: Clock = this;
  readonly #parts: LifeParts;
  readonly #closing: (() => unknown)[] = [];
  #isAlive = true;
  #timers = 0;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Timers that will fire. */
  get timers(): number {
    return this.#timers;
  }

  /** The process is gone: its timers never fire, its ports are closed, peers see its connections end. */
  end(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const close of this.#closing) close();
  }

  now(): number {
    return this.#parts.clock.now();
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.at(this.now() + milliseconds, callback);
  }

  at(time: number, callback: () => void): Timer {
    if (!this.#isAlive) return NO_TIMER;
    this.#timers++;
    let isPending = true;
    const settle = (): boolean => {
      const was = isPending;
      isPending = false;
      if (was) this.#timers--;
      return was;
    };
    const timer = this.#parts.clock.at(time, () => {
      if (settle() && this.#isAlive) callback();
    });
    return {
      cancel: () => {
        if (settle()) timer.cancel();
      },
    };
  }

  bind(at: HostPort, receive: (bytes: Buffer, from: HostPort) => void): DatagramPort {
    const port = this.#parts.network.bind(at, (bytes, from) => {
      if (this.#isAlive) receive(bytes, from);
    });
    this.#closing.push(() => port.close());
    return {
      local: port.local,
      close: () => port.close(),
      send: (bytes, to, onRefused) => {
        if (!this.#isAlive) return;
        const refused = (): void => {
          if (this.#isAlive) onRefused?.();
        };
        port.send(bytes, to, refused);
        if (this.#parts.isDoubled()) port.send(bytes, to);
      },
    };
  }

  carrier(): Carrier {
    const { network } = this.#parts;
    const carrier = network.carrier();
    this.#closing.push(() => carrier.close());
    return {
      ...carrier,
      // Its connections end with it, and it would make new ones.
      connect: (from, to) => (this.#isAlive ? carrier.connect(from, to) : noPipe(from)),
      listen: (at, accept) => {
        this.#closing.push(() => network.breakStreams({ from: { host: at.host } }));
        return carrier.listen(at, (pipe, remote) => {
          if (this.#isAlive) accept(pipe, remote);
          else pipe.destroy();
        });
      },
    };
  }
}

function noPipe(local: HostPort): Pipe {
  const nothing = (): void => undefined;
  return { local, backlog: 0, start: nothing, write: nothing, end: nothing, destroy: nothing };
}
