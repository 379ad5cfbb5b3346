// SIP over TCP. RFC 3261 §18; the listener and the sockets, everything else is in stream-transport.
import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import type { Carrier, Pipe } from "./pipe.ts";
import {
  closeServer,
  listenOn,
  remoteOf,
  type SocketKind,
  SocketPipe,
  sourceFor,
} from "./socket-pipe.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import type { HostPort, Transport } from "./transport.ts";

/** One listener of the family of `options.host`; limits have defaults (stream-limits.ts). */
export function tcpTransport(options: StreamOptions): Transport {
  return new StreamTransport(new TcpCarrier(), options);
}

const PLAIN: SocketKind<Socket> = { openEvent: "connect" };

class TcpCarrier implements Carrier {
  #server: Server | undefined;

  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const remote = remoteOf(socket);
      if (remote === undefined) socket.destroy();
      else accept(new SocketPipe(socket, PLAIN), remote);
    });
    this.#server = server;
    return listenOn(server, at);
  }

  connect(from: HostPort, { host, port }: HostPort): Pipe {
    const how = { noDelay: true, allowHalfOpen: true, ...sourceFor(from) };
    return new SocketPipe(openSocket({ host, port, ...how }), PLAIN);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }
}
