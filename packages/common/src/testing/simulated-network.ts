// A network in memory under a clock: latency, loss by pattern, broken streams, and a record of it all.
import type { Clock } from "../platform/clock.ts";
import type { DatagramPort, MemoryNetwork } from "../sip/transport/memory.ts";
import type { Carrier } from "../sip/transport/pipe.ts";
import { formatHostPort, type HostPort } from "../sip/transport/transport.ts";
import { type Direction, type DropPattern, goes } from "./drop-patterns.ts";
import { SimulatedStreams } from "./simulated-streams.ts";
import type { Wire, WirePassage } from "./wire.ts";

export interface NetworkOptions {
  readonly clock: Clock;
  /** One way, in milliseconds. */
  readonly latencyMs?: number | ((from: HostPort, to: HostPort) => number);
  /** Stream writes arrive in pieces of at most so many octets. */
  readonly segmentBytes?: number;
  /** Whether a datagram to nobody is answered by a refusal (ICMP port unreachable). */
  readonly refusals?: boolean;
}

type Receive = (bytes: Buffer, from: HostPort) => void;
interface Rule {
  readonly direction: Direction;
  readonly pattern: DropPattern;
  index: number;
}

export class SimulatedNetwork implements MemoryNetwork, Wire {
  readonly clock: Clock;
  readonly segmentBytes: number;
  readonly #latency: (from: HostPort, to: HostPort) => number;
  readonly #refusals: boolean;
  readonly #bound = new Map<string, Receive>();
  readonly #rules = new Set<Rule>();
  readonly #cuts = new Set<Direction>();
  readonly #streams: SimulatedStreams;
  #nextPort = 49_152;
  /** Everything sent so far, in order; a test may empty it. */
  readonly log: WirePassage[] = [];

  constructor(options: NetworkOptions) {
    const { latencyMs = 5 } = options;
    this.clock = options.clock;
    this.segmentBytes = options.segmentBytes ?? Number.POSITIVE_INFINITY;
    this.#latency = typeof latencyMs === "number" ? () => latencyMs : latencyMs;
    this.#refusals = options.refusals ?? true;
    this.#streams = new SimulatedStreams(this);
  }

  /** Loses the datagrams of `direction` that `pattern` picks. Returns how to end it. */
  drop(direction: Direction, pattern: DropPattern): () => void {
    const rule: Rule = { direction, pattern, index: 0 };
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** Nothing passes in `direction`, streams included. Returns how to end it. */
  cut(direction: Direction): () => void {
    this.#cuts.add(direction);
    return () => this.#cuts.delete(direction);
  }

  /** Streams one of whose directions matches carry nothing any more, and nobody is told; new ones do. */
  silenceStreams(direction: Direction = {}): void {
    this.#streams.silence(direction);
  }

  /** Breaks every stream one of whose directions matches; both ends notice at once. */
  breakStreams(direction: Direction = {}): void {
    this.#streams.break(direction);
  }

  bind(at: HostPort, receive: Receive): DatagramPort {
    const local = this.takePort(at, (key) => this.#bound.has(key));
    const key = formatHostPort(local);
    this.#bound.set(key, receive);
    return {
      local,
      send: (bytes, to, onRefused) => this.#send(bytes, local, to, onRefused),
      close: () => {
        if (this.#bound.get(key) === receive) this.#bound.delete(key);
      },
    };
  }

  carrier(): Carrier {
    return this.#streams.carrier();
  }

  latency(from: HostPort, to: HostPort): number {
    return this.#latency(from, to);
  }

  isCut(from: HostPort, to: HostPort): boolean {
    for (const direction of this.#cuts) if (goes(direction, from, to)) return true;
    return false;
  }

  record(passage: WirePassage): void {
    this.log.push(passage);
  }

  /** `at` with a real port. Throws EADDRINUSE as the system does. */
  takePort(at: HostPort, inUse: (key: string) => boolean): HostPort {
    if (at.port !== 0) {
      const key = formatHostPort(at);
      if (!inUse(key)) return { host: at.host, port: at.port };
      throw Object.assign(new Error(`listen EADDRINUSE ${key}`), { code: "EADDRINUSE" });
    }
    let local = at;
    do local = { host: at.host, port: this.#nextPort++ };
    while (inUse(formatHostPort(local)));
    return local;
  }

  #send(given: Buffer, from: HostPort, to: HostPort, onRefused?: () => void): void {
    const bytes = Buffer.from(given); // what the sender does to its buffer later stays its own
    // Each rule counts every datagram of its direction, also those another rule loses.
    let lost = this.isCut(from, to);
    for (const rule of this.#rules) {
      if (!goes(rule.direction, from, to)) continue;
      if (rule.pattern(rule.index++, bytes, from, to)) lost = true;
    }
    const fate = this.#bound.has(formatHostPort(to)) ? "sent" : "refused";
    const at = this.clock.now();
    this.record({ at, transport: "udp", from, to, bytes, fate: lost ? "lost" : fate });
    if (lost) return;
    this.clock.after(this.latency(from, to), () => {
      const receive = this.#bound.get(formatHostPort(to));
      if (receive !== undefined) receive(bytes, from);
      else if (this.#refusals && onRefused !== undefined && !this.isCut(to, from)) {
        this.clock.after(this.latency(to, from), onRefused);
      }
    });
  }
}
