// Connections that shake hands before they carry SIP (TLS, WebSocket): counted and timed from their first octet on.
import { createServer, type Server, type Socket } from "node:net";
import type { Pipe, PipeEvents } from "./pipe.ts";
import { closeServer, listenOn, remoteOf } from "./socket-pipe.ts";
import { formatHostPort, type HostPort } from "./transport.ts";

/**
 * Who listens accepts the bare connection first, which the transport counts and times like any other;
 * then `shake` begins, and ends with `opened`, `refused` or the connection's end.
 */
export class HandshakeListener {
  readonly #shaking = new Map<string, AcceptedPipe>();
  #server: Server | undefined;

  listen(
    at: HostPort,
    accept: (pipe: Pipe, remote: HostPort) => void,
    shake: (socket: Socket) => void,
  ): Promise<HostPort> {
    this.#server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => undefined); // "close" follows
      const remote = remoteOf(socket);
      if (remote === undefined) {
        socket.destroy();
        return;
      }
      const key = formatHostPort(remote);
      const pipe = new AcceptedPipe(socket);
      this.#shaking.set(key, pipe);
      socket.on("close", () => this.#shaking.delete(key));
      accept(pipe, remote);
      if (!socket.destroyed) shake(socket); // else one too many
    });
    return listenOn(this.#server, at);
  }

  /** The handshake with the peer of `socket` is over: `carried` is what came of it. */
  opened(socket: Socket, carried: Pipe): void {
    const pipe = this.#take(socket);
    if (pipe === undefined) carried.destroy();
    else pipe.opened(carried);
  }

  /** The handshake failed; whoever says so also ends the connection. */
  refused(socket: Socket, reason: string): void {
    this.#take(socket)?.refused(reason);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }

  /** By address, since a socket within TLS is not the one that was accepted. */
  #take(socket: Socket): AcceptedPipe | undefined {
    const remote = remoteOf(socket);
    if (remote === undefined) return undefined;
    const key = formatHostPort(remote);
    const pipe = this.#shaking.get(key);
    this.#shaking.delete(key);
    return pipe;
  }
}

/** One of them: the bare socket at first, then what the handshake made of it. */
class AcceptedPipe implements Pipe {
  readonly opening = true;
  readonly #socket: Socket;
  #carried: Pipe | undefined;
  #events: PipeEvents | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get local(): HostPort {
    return { host: this.#socket.localAddress ?? "", port: this.#socket.localPort ?? 0 };
  }

  get tls(): Pipe["tls"] {
    return this.#carried?.tls;
  }

  get unfinished(): boolean {
    return this.#carried?.unfinished ?? false;
  }

  get backlog(): number {
    return this.#carried?.backlog ?? 0;
  }

  start(events: PipeEvents): void {
    this.#events = events;
    this.#socket.on("close", () => {
      if (this.#carried === undefined) events.onClosed("closed");
    });
  }

  opened(carried: Pipe): void {
    const events = this.#events;
    if (events === undefined) return;
    this.#carried = carried;
    carried.start(events);
    events.onOpen(this.local);
  }

  refused(reason: string): void {
    this.#events?.onRejected(reason);
  }

  write(bytes: Buffer, onFailure?: Parameters<Pipe["write"]>[1]): void {
    this.#carried?.write(bytes, onFailure);
  }

  end(): void {
    this.#carried?.end();
  }

  destroy(): void {
    if (this.#carried === undefined) this.#socket.destroy();
    else this.#carried.destroy();
  }
}
