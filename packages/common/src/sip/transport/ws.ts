// SIP over WebSocket, plain and within TLS: one message per frame. RFC 7118, RFC 6455.
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { HandshakeListener } from "./handshake-listener.ts";
import type { Carrier, Pipe } from "./pipe.ts";
import { nominalAddress, sourceFor } from "./socket-pipe.ts";
import { DEFAULT_STREAM_LIMITS } from "./stream-limits.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import {
  HANDSHAKE_FAILED,
  handshakeFailed,
  isWelcome,
  serverOptions,
  type TlsOptions,
} from "./tls.ts";
import { checkIdentity } from "./tls-identity.ts";
import { isTlsError, troubleOf } from "./tls-trouble.ts";
import { formatHostPort, type HostPort, isPort, type Remote, type Transport } from "./transport.ts";
import { WebSocketPipe } from "./ws-pipe.ts";

export interface WebSocketOptions extends StreamOptions {
  /** Web pages that may connect, as browsers name them (`https://phone.example`); none: any page. */
  readonly origins?: readonly string[];
  /** False: it only connects to others. */
  readonly listens?: boolean;
}

/** With `tls`: `wss`. */
export function webSocketTransport(options: WebSocketOptions, tls?: TlsOptions): Transport {
  const carrier = new WebSocketCarrier(options, tls);
  return new StreamTransport(carrier, options, tls === undefined ? "ws" : "wss");
}

/** RFC 7118 §4.1. */
const SUBPROTOCOL = "sip";
const UPGRADE_REFUSED = "WebSocket handshake refused";
/** Pieces of one message: nobody who means well needs more, and each costs memory. */
const MAX_FRAGMENTS = 256;

type Accept = (pipe: Pipe, remote: HostPort) => void;

class WebSocketCarrier implements Carrier {
  readonly framed = true;
  readonly #options: WebSocketOptions;
  readonly #tls: TlsOptions | undefined;
  readonly #listener = new HandshakeListener();
  /** What both ends of a connection do the same way. */
  readonly #common: Pick<
    ServerOptions,
    "autoPong" | "perMessageDeflate" | "maxPayload" | "maxFragments"
  >;

  constructor(options: WebSocketOptions, tls: TlsOptions | undefined) {
    this.#options = options;
    this.#tls = tls;
    this.#common = {
      autoPong: false, // answered by the pipe, within its backlog
      perMessageDeflate: false,
      maxPayload: options.maxMessageBytes ?? DEFAULT_STREAM_LIMITS.maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
    };
  }

  listen(at: HostPort, accept: Accept): Promise<HostPort> {
    if (this.#options.listens === false) return Promise.resolve(nominalAddress(at));
    const listener = this.#listener;
    // It never listens itself: connections are given to it once they are counted.
    const server = this.#newServer();
    const webSockets = new WebSocketServer({
      ...this.#common,
      noServer: true,
      clientTracking: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    webSockets.on("wsClientError", (_error, socket) => this.#refuse(socket as Socket));
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const refusal = this.#refusal(request);
      if (refusal !== undefined) this.#refuse(socket, refusal);
      else
        webSockets.handleUpgrade(request, socket, head, (webSocket) => {
          listener.opened(socket, new WebSocketPipe(webSocket, socket));
        });
    });
    return listener.listen(at, accept, (socket) => server.emit("connection", socket));
  }

  connect(from: HostPort, { host, port, domain = host }: Remote): Pipe {
    const scheme = this.#tls === undefined ? "ws" : "wss";
    // `ws` throws on a URL that is none; a socket to such a port fails by itself.
    const place = formatHostPort({ host, port: isPort(port) ? port : 1 });
    const webSocket = new WebSocket(`${scheme}://${place}/`, SUBPROTOCOL, {
      ...sourceFor(from),
      ...this.#common,
      ...(this.#tls !== undefined && {
        secureContext: this.#tls.context,
        servername: domain === host ? "" : domain,
        // The type package knows the callback of a Node long gone.
        checkServerIdentity: ((_name: string, certificate: PeerCertificate) =>
          checkIdentity(domain, certificate)) as never,
      }),
    });
    webSocket.once("error", (error: NodeJS.ErrnoException) => {
      if (this.#tls !== undefined && isTlsError(error))
        this.#tls.onTrouble?.(troubleOf(error, { host, port }, "we"));
    });
    return new WebSocketPipe(webSocket, undefined);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  #newServer(): Server {
    const tls = this.#tls;
    const server =
      tls === undefined
        ? createHttp({ noDelay: true })
        : createHttps({ ...serverOptions(tls), noDelay: true });
    // A browser that is sent here by mistake.
    server.on("request", ({ socket }, response) => {
      this.#listener.refused(socket, UPGRADE_REFUSED);
      response.writeHead(426, { Upgrade: "websocket", Connection: "close" });
      response.end("SIP over WebSocket (RFC 7118) is spoken here.\n");
    });
    server.on("clientError", (_error, socket) => this.#refuse(socket as Socket));
    // Before Node's own listener, for which it is a "clientError" like any other.
    server.prependListener("tlsClientError", (error: Error, socket: TLSSocket) => {
      if (tls !== undefined) handshakeFailed(error, socket, tls);
      this.#listener.refused(socket, HANDSHAKE_FAILED);
      socket.destroy();
    });
    return server;
  }

  /** RFC 7118 §4.1; RFC 6455 §4.2.2, §10.2: only browsers send Origin, and they cannot forge it. */
  #refusal({ headers, socket }: IncomingMessage): string | undefined {
    const tls = this.#tls;
    if (socket instanceof TLSSocket && tls !== undefined && !isWelcome(socket, tls))
      return "403 Forbidden";
    const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    if (!offered.includes(SUBPROTOCOL)) return "400 Bad Request";
    const { origins = [] } = this.#options;
    const { origin } = headers;
    if (origin === undefined || origins.length === 0 || origins.includes(origin)) return undefined;
    return "403 Forbidden";
  }

  #refuse(socket: Socket, status = "400 Bad Request"): void {
    this.#listener.refused(socket, UPGRADE_REFUSED);
    socket.on("error", () => undefined);
    // Destroyed once it has left: a peer that keeps its half open holds nothing here.
    const destroy = (): void => void socket.destroy();
    if (socket.writable)
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, destroy);
    else destroy();
  }
}
