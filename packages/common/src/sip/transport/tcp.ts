// SIP over TCP. RFC 3261 §18; the listener and the sockets, everything else is in stream-transport.
import { createServer, isIP, connect as openSocket, type Server, type Socket } from "node:net";
import { failureOf } from "./failures.ts";
import type { Carrier, Pipe, PipeEvents } from "./pipe.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import type { HostPort, SendFailure, Transport } from "./transport.ts";

/** One listener of the family of `options.host`; limits have defaults (stream-limits.ts). */
export function tcpTransport(options: StreamOptions): Transport {
  return new StreamTransport(new TcpCarrier(), options);
}

class TcpCarrier implements Carrier {
  #server: Server | undefined;

  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort> {
    const server = createServer({ noDelay: true }, (socket) => {
      const { remoteAddress: host, remotePort: port } = socket;
      if (host === undefined || port === undefined) socket.destroy();
      else accept(new TcpPipe(socket), { host, port });
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const { host, port } = at;
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

  connect(from: HostPort, to: HostPort): Pipe {
    const { host, port } = to;
    // Peers know us by the address we listen on (trusted peers), so connections come from it.
    const source = canBeSource(from.host) ? { localAddress: from.host } : {};
    const family = from.host.includes(":") ? 6 : 4;
    return new TcpPipe(openSocket({ host, port, family, noDelay: true, ...source }));
  }

  close(): Promise<void> {
    const server = this.#server;
    if (server?.listening !== true) return Promise.resolve();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}

class TcpPipe implements Pipe {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get local(): HostPort {
    return { host: this.#socket.localAddress ?? "", port: this.#socket.localPort ?? 0 };
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  start(events: PipeEvents): void {
    const socket = this.#socket;
    let why: SendFailure = "closed";
    socket.on("connect", () => events.onOpen(this.local));
    socket.on("data", (chunk: Buffer) => events.onBytes(chunk));
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

function canBeSource(host: string): boolean {
  return isIP(host) !== 0 && host !== "0.0.0.0" && host !== "::";
}
