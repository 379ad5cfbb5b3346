// A Transport over connections: which exist, which is reused, how many there may be. RFC 3261 §18.
import type { Clock } from "../../platform/clock.ts";
import { ConnectionCounts } from "./connection-counts.ts";
import type { Carrier, Pipe } from "./pipe.ts";
import {
  type ConnectionFlow,
  type ConnectionOwner,
  StreamConnection,
} from "./stream-connection.ts";
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from "./stream-limits.ts";
import { isNamed } from "./tls-identity.ts";
import {
  type Flow,
  formatHostPort,
  type HostPort,
  isPort,
  isSecure,
  type Remote,
  type SendFailure,
  type Transport,
  type TransportEvents,
  type TransportName,
} from "./transport.ts";

export interface StreamOptions extends HostPort, Partial<StreamLimits> {
  readonly clock: Clock;
}

export class StreamTransport implements Transport, ConnectionOwner {
  readonly name: Exclude<TransportName, "udp">;
  readonly reliable = true;
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #connections = new Map<string, StreamConnection>();
  readonly #counts = new ConnectionCounts();
  /** The newest connection with each remote address, whoever made it. */
  readonly #byRemote = new Map<string, StreamConnection>();
  readonly #keys = new WeakMap<StreamConnection, string>();
  /** Flows for which no connection was tried, and why. */
  readonly #neverMade = new WeakMap<Flow, SendFailure>();
  #local: HostPort;
  #events: TransportEvents | undefined;
  #made = 0;
  #whenDrained: (() => void) | undefined;

  constructor(
    carrier: Carrier,
    options: StreamOptions,
    name: Exclude<TransportName, "udp"> = "tcp",
  ) {
    this.name = name;
    this.#carrier = carrier;
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...options };
    this.#local = { host: options.host, port: options.port };
  }

  get local(): HostPort {
    return this.#local;
  }

  async listen(events: TransportEvents): Promise<void> {
    if (this.#events !== undefined) throw new Error("this transport listens already");
    this.#events = events;
    this.#local = await this.#carrier.listen(this.#local, (pipe, remote) => {
      this.#accept(pipe, remote);
    });
  }

  flowTo(remote: Remote): Flow {
    const existing = this.#byRemote.get(remoteKey(remote));
    if (existing !== undefined && this.#mayReuse(existing, remote)) return existing.flow;
    const flow = this.#newFlow(this.#local, { host: remote.host, port: remote.port });
    // A flow that is in no table says so when something is sent on it.
    if (this.#whenDrained !== undefined) return flow;
    this.#makeRoom();
    if (this.#isFull) {
      this.#neverMade.set(flow, "overloaded");
    } else if (!isPort(remote.port)) this.#neverMade.set(flow, "refused");
    else this.#add(this.#carrier.connect(this.#local, remote), flow, remoteKey(remote));
    return flow;
  }

  /** RFC 5923 §6: within TLS a peer's own connection leads to it only as far as its certificate proves. */
  #mayReuse(connection: StreamConnection, { host }: Remote): boolean {
    if (this.#keys.has(connection) || !isSecure(this.name)) return true;
    return isNamed(connection.flow.tls?.names ?? [], host);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    const connection = this.#connections.get(flow.id);
    if (connection !== undefined) connection.send(bytes, onFailure);
    else if (onFailure !== undefined) {
      const why = this.#neverMade.get(flow) ?? "closed";
      this.#clock.after(0, () => onFailure(why));
    }
  }

  ping(flow: Flow, onPong: () => void): void {
    this.#connections.get(flow.id)?.ping(onPong);
  }

  giveUp(flow: Flow): void {
    this.#connections.get(flow.id)?.giveUp();
  }

  async close(): Promise<void> {
    const stopped = this.#carrier.close();
    const drained = new Promise<void>((resolve) => {
      this.#whenDrained = resolve;
    });
    for (const connection of this.#connections.values()) connection.end();
    this.#checkDrained();
    await drained;
    await stopped;
  }

  onMessage(bytes: Buffer, flow: Flow): void {
    this.#counts.heard(flow.remote.host, flow.id);
    this.#events?.onMessage(bytes, flow);
  }

  onRejected(reason: string, flow: Flow): void {
    this.#events?.onRejected(reason, flow);
  }

  onHalfClosed(connection: StreamConnection): void {
    this.#reuseNoMore(connection);
    this.#events?.onClosed(connection.flow);
  }

  onGone(connection: StreamConnection, wasOpen: boolean): void {
    const { flow } = connection;
    this.#connections.delete(flow.id);
    if (!this.#keys.has(connection)) this.#counts.gone(flow.remote.host, flow.id);
    this.#reuseNoMore(connection);
    if (wasOpen) this.#events?.onClosed(flow);
    this.#checkDrained();
  }

  #reuseNoMore(connection: StreamConnection): void {
    const key = this.#keys.get(connection) ?? remoteKey(connection.flow.remote);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
  }

  #accept(pipe: Pipe, remote: HostPort): void {
    const flow = this.#newFlow(pipe.local, remote);
    const tooMany = this.#excess(remote.host);
    if (tooMany === undefined) this.#makeRoom();
    if (tooMany === undefined && this.#whenDrained === undefined) {
      this.#counts.accepted(remote.host, flow.id);
      this.#add(pipe, flow, undefined);
      return;
    }
    this.#events?.onRejected(tooMany ?? "closing", flow);
    pipe.destroy();
  }

  /** Which limit another connection from there would exceed. */
  #excess(host: string): string | undefined {
    const { maxConnectionsPerSource, maxHalfOpenPerSource } = this.#limits;
    const { open, silent } = this.#counts.of(host);
    if (open >= maxConnectionsPerSource) return "too many connections of one source";
    if (silent >= maxHalfOpenPerSource) return "too many half-open connections";
    const isFull = this.#isFull && this.#counts.oldestSilent === undefined;
    return isFull ? "too many connections" : undefined;
  }

  get #isFull(): boolean {
    return this.#connections.size >= this.#limits.maxConnections;
  }

  /** Connections that say nothing, from however many sources, keep nobody out who does. */
  #makeRoom(): void {
    const oldest = this.#isFull ? this.#counts.oldestSilent : undefined;
    if (oldest !== undefined) this.#connections.get(oldest)?.giveWay();
  }

  /** @param madeTo key of what we connected to; undefined when the peer connected */
  #add(pipe: Pipe, flow: ConnectionFlow, madeTo: string | undefined): void {
    const framed = this.#carrier.framed ?? false;
    const context = { owner: this, clock: this.#clock, limits: this.#limits, framed };
    const connection = new StreamConnection(pipe, flow, madeTo === undefined, context);
    this.#connections.set(flow.id, connection);
    if (madeTo !== undefined) this.#keys.set(connection, madeTo);
    this.#byRemote.set(madeTo ?? remoteKey(flow.remote), connection);
  }

  #newFlow(local: HostPort, remote: HostPort): ConnectionFlow {
    this.#made++;
    const id = `${this.name} ${formatHostPort(this.#local)} ${this.#made}`;
    return { id, transport: this.name, local, remote };
  }

  #checkDrained(): void {
    if (this.#connections.size === 0) this.#whenDrained?.();
  }
}

/** RFC 5922 §7.3: a certificate good for one domain says nothing about another at the same address. */
function remoteKey({ host, port, domain }: Remote): string {
  return domain === undefined ? `${port} ${host}` : `${port} ${host} ${domain}`;
}
