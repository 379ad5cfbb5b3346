// A connection over a socket of the system, plain or within TLS.
import type { Server, Socket } from "node:net";
import { isIP } from "node:net";
import { failureOf } from "./failures.ts";
import type { Pipe, PipeEvents } from "./pipe.ts";
import type { HostPort, SendFailure, TlsPeer } from "./transport.ts";

/** How a kind of socket says that it can be used, and who is at its other end. */
export interface SocketKind<S extends Socket> {
  readonly openEvent: "connect" | "secureConnect";
  tlsPeer?(socket: S): TlsPeer;
}

export class SocketPipe<S extends Socket> implements Pipe {
  readonly #socket: S;
  readonly #kind: SocketKind<S>;

  constructor(socket: S, kind: SocketKind<S>) {
    this.#socket = socket;
    this.#kind = kind;
    // Whoever is not started (its connection went during the handshake) may still fail: "close" follows.
    socket.on("error", () => undefined);
  }

  get local(): HostPort {
    return { host: this.#socket.localAddress ?? "", port: this.#socket.localPort ?? 0 };
  }

  get tls(): TlsPeer | undefined {
    return this.#kind.tlsPeer?.(this.#socket);
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  start(events: PipeEvents): void {
    const socket = this.#socket;
    let why: SendFailure = "closed";
    socket.on(this.#kind.openEvent, () => events.onOpen(this.local));
    socket.on("data", (chunk: Buffer) => events.onBytes(chunk));
    socket.on("end", () => events.onEnded());
    socket.on("error", (error) => {
      why = failureOf(error); // "close" follows
    });
    socket.on("close", () => events.onClosed(why));
  }

  write(bytes: Buffer, onFailure?: (why: SendFailure) => void): void {
    if (onFailure === undefined) this.#socket.write(bytes);
    else {
      this.#socket.write(bytes, (error) => {
        if (error instanceof Error) onFailure("closed");
      });
    }
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Resolves with the real port; rejects with the system's error. */
export function listenOn(server: Server, { host, port }: HostPort): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: host.includes(":"), exclusive: true }, () => {
      server.off("error", reject);
      // Out of descriptors while accepting: that connection is lost, the listener is not.
      server.on("error", () => undefined);
      const address = server.address();
      const real = typeof address === "object" && address !== null ? address.port : port;
      resolve({ host, port: real });
    });
  });
}

export function closeServer(server: Server | undefined): Promise<void> {
  if (server?.listening !== true) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Peers know us by the address we listen on (trusted peers), so connections come from it. */
export function sourceFor({ host }: HostPort): { localAddress?: string; family: 4 | 6 } {
  const family = host.includes(":") ? 6 : 4;
  const canBeSource = isIP(host) !== 0 && host !== "0.0.0.0" && host !== "::";
  return canBeSource ? { localAddress: host, family } : { family };
}

/** Undefined for a socket that has gone already. */
export function remoteOf({ remoteAddress, remotePort }: Socket): HostPort | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { host: remoteAddress, port: remotePort };
}

/** What a side that does not listen writes into Via and Contact; answers come over its connections. */
export function nominalAddress({ host, port }: HostPort): HostPort {
  return { host, port: port === 0 ? 5061 : port };
}
