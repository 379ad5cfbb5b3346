// SIP over WebSocket, plain and within TLS: one message per frame. RFC 7118, RFC 6455.
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import type { Carrier, Pipe } from "./pipe.ts";
import { closeServer, listenOn, nominalAddress, remoteOf, sourceFor } from "./socket-pipe.ts";
import { DEFAULT_STREAM_LIMITS } from "./stream-limits.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import { HANDSHAKE, isCertificateTrouble, isWelcome, type TlsOptions, textOf } from "./tls.ts";
import { checkIdentity } from "./tls-identity.ts";
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
const HANDSHAKE_MS = 10_000;

type Accept = (pipe: Pipe, remote: HostPort) => void;

class WebSocketCarrier implements Carrier {
  readonly framed = true;
  readonly #options: WebSocketOptions;
  readonly #tls: TlsOptions | undefined;
  readonly #maxPayload: number;
  #server: Server | undefined;

  constructor(options: WebSocketOptions, tls: TlsOptions | undefined) {
    this.#options = options;
    this.#tls = tls;
    this.#maxPayload = options.maxMessageBytes ?? DEFAULT_STREAM_LIMITS.maxMessageBytes;
  }

  listen(at: HostPort, accept: Accept): Promise<HostPort> {
    if (this.#options.listens === false) return Promise.resolve(nominalAddress(at));
    const server = this.#newServer();
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#maxPayload,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const remote = remoteOf(socket);
      const refusal = this.#refusal(request, remote);
      if (refusal !== undefined || remote === undefined) {
        refuseUpgrade(socket, refusal ?? "400 Bad Request");
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        accept(new WebSocketPipe(webSocket, socket), remote);
      });
    });
    this.#server = server;
    return listenOn(server, at);
  }

  connect(from: HostPort, { host, port, domain = host }: Remote): Pipe {
    const scheme = this.#tls === undefined ? "ws" : "wss";
    // `ws` throws on a URL that is none; a socket to such a port fails by itself.
    const place = formatHostPort({ host, port: isPort(port) ? port : 1 });
    const webSocket = new WebSocket(`${scheme}://${place}/`, SUBPROTOCOL, {
      ...sourceFor(from),
      perMessageDeflate: false,
      maxPayload: this.#maxPayload,
      handshakeTimeout: HANDSHAKE_MS,
      ...(this.#tls !== undefined && {
        secureContext: this.#tls.context,
        servername: domain === host ? "" : domain,
        // The type package knows the callback of a Node long gone.
        checkServerIdentity: ((_name: string, certificate: PeerCertificate) =>
          checkIdentity(domain, certificate)) as never,
      }),
    });
    webSocket.once("error", (error: NodeJS.ErrnoException) => {
      if (this.#tls === undefined || !isCertificateTrouble(error)) return;
      this.#tls.onTrouble?.({ peer: { host, port }, side: "we", why: textOf(error) });
    });
    return new WebSocketPipe(webSocket, undefined);
  }

  close(): Promise<void> {
    const server = this.#server;
    const closed = closeServer(server);
    server?.closeAllConnections(); // those that never became a WebSocket
    return closed;
  }

  #newServer(): Server {
    const times = { headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS, noDelay: true };
    const server = this.#tls === undefined ? createHttp(times) : this.#newTlsServer(this.#tls);
    const most = this.#options.maxConnections ?? DEFAULT_STREAM_LIMITS.maxConnections;
    server.maxConnections = most + 64;
    // A browser that is sent here by mistake.
    server.on("request", (_request, response) => {
      response.writeHead(426, { Upgrade: "websocket", Connection: "close" });
      response.end("SIP over WebSocket (RFC 7118) is spoken here.\n");
    });
    return server;
  }

  #newTlsServer({ files, requestClientCertificate, onTrouble }: TlsOptions): Server {
    const server = createHttps({
      ...HANDSHAKE,
      headersTimeout: HANDSHAKE_MS,
      requestTimeout: HANDSHAKE_MS,
      noDelay: true,
      ...files,
      requestCert: requestClientCertificate,
      rejectUnauthorized: false, // judged by isWelcome, which can say why
    });
    server.on("tlsClientError", (error, socket) => {
      const peer = remoteOf(socket);
      if (peer !== undefined) onTrouble?.({ peer, side: "they", why: textOf(error) });
    });
    return server;
  }

  /** RFC 7118 §4.1; RFC 6455 §4.2.2, §10.2: only browsers send Origin, and they cannot forge it. */
  #refusal({ headers, socket }: IncomingMessage, remote?: HostPort): string | undefined {
    const tls = this.#tls;
    const secured = socket instanceof TLSSocket && tls !== undefined && remote !== undefined;
    if (secured && !isWelcome(socket, remote, tls)) return "403 Forbidden";
    const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    if (!offered.includes(SUBPROTOCOL)) return "400 Bad Request";
    const { origins = [] } = this.#options;
    const { origin } = headers;
    if (origin === undefined || origins.length === 0 || origins.includes(origin)) return undefined;
    return "403 Forbidden";
  }
}

function refuseUpgrade(socket: Socket, status: string): void {
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
