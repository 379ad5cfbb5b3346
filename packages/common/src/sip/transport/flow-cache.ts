// Datagram flows by remote address, bounded: the least recently used half is forgotten at a time.
import { type Flow, formatHostPort, type HostPort, type TransportName } from "./transport.ts";

export class FlowCache {
  readonly #transport: TransportName;
  readonly #local: HostPort;
  readonly #half: number;
  #recent = new Map<string, Flow>();
  #older = new Map<string, Flow>();
  #last: Flow | undefined;

  /** @param limit how many flows are remembered at most. */
  constructor(transport: TransportName, local: HostPort, limit: number) {
    this.#transport = transport;
    this.#local = local;
    this.#half = Math.max(1, limit >> 1);
  }

  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** The flow to this address; equal addresses give equal ids for ever, the same object mostly. */
  get(host: string, port: number): Flow {
    const last = this.#last;
    // A CSCF's core side talks to one or two peers: no key to build then.
    if (last !== undefined && last.remote.port === port && last.remote.host === host) return last;
    const key = `${port} ${host}`;
    const flow = this.#recent.get(key) ?? this.#promote(key) ?? this.#add(key, host, port);
    this.#last = flow;
    return flow;
  }

  #promote(key: string): Flow | undefined {
    const flow = this.#older.get(key);
    if (flow === undefined) return undefined;
    this.#older.delete(key);
    this.#keep(key, flow);
    return flow;
  }

  #add(key: string, host: string, port: number): Flow {
    const transport = this.#transport;
    const remote: HostPort = { host, port };
    const id = `${transport} ${formatHostPort(this.#local)} ${formatHostPort(remote)}`;
    const flow: Flow = { id, transport, local: this.#local, remote };
    this.#keep(key, flow);
    return flow;
  }

  #keep(key: string, flow: Flow): void {
    if (this.#recent.size >= this.#half) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, flow);
  }
}
