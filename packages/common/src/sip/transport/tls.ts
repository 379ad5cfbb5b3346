// SIP over TLS. RFC 3261 §26.2.1, RFC 5922; everything but sockets and certificates is in stream-transport.
import { constants } from "node:crypto";
import {
  createServer,
  connect as openTls,
  type TlsOptions as ServerOptions,
  type TLSSocket,
} from "node:tls";
import { HandshakeListener } from "./handshake-listener.ts";
import type { Carrier, Pipe } from "./pipe.ts";
import { nominalAddress, remoteOf, type SocketKind, SocketPipe, sourceFor } from "./socket-pipe.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import type { TlsCredentials } from "./tls-files.ts";
import { checkIdentity, tlsPeerOf } from "./tls-identity.ts";
import { isTlsError, kindOf, type TlsTrouble, troubleOf } from "./tls-trouble.ts";
import { type HostPort, isPort, type Remote, type Transport } from "./transport.ts";

export interface TlsOptions extends TlsCredentials {
  /** Peers that connect must show a certificate of these authorities. */
  readonly requestClientCertificate: boolean;
  onTrouble?(trouble: TlsTrouble): void;
}

/** @param listens false: it only connects to others */
export function tlsTransport(options: StreamOptions, tls: TlsOptions, listens = true): Transport {
  return new StreamTransport(new TlsCarrier(tls, listens), options, "tls");
}

/** What is counted when a handshake fails. */
export const HANDSHAKE_FAILED = "TLS handshake failed";

const SECURED: SocketKind<TLSSocket> = { openEvent: "secureConnect", tlsPeer: tlsPeerOf };

class TlsCarrier implements Carrier {
  readonly #options: TlsOptions;
  readonly #listens: boolean;
  readonly #listener = new HandshakeListener();

  constructor(options: TlsOptions, listens: boolean) {
    this.#options = options;
    this.#listens = listens;
  }

  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort> {
    if (!this.#listens) return Promise.resolve(nominalAddress(at));
    const listener = this.#listener;
    // It never listens itself: connections are given to it once they are counted.
    const server = createServer(serverOptions(this.#options), (socket) => {
      if (isWelcome(socket, this.#options))
        listener.opened(socket, new SocketPipe(socket, SECURED));
      else {
        listener.refused(socket, HANDSHAKE_FAILED);
        socket.destroy();
      }
    });
    server.on("tlsClientError", (error, socket) => {
      handshakeFailed(error, socket, this.#options);
      listener.refused(socket, HANDSHAKE_FAILED);
    });
    return listener.listen(at, accept, (socket) => server.emit("connection", socket));
  }

  connect(from: HostPort, { host, port, domain = host }: Remote): Pipe {
    const socket = openTls({
      host,
      port,
      ...sourceFor(from),
      minVersion: "TLSv1.2",
      secureContext: this.#options.context,
      // RFC 6066 §3: addresses are no server names.
      servername: domain === host ? "" : domain,
      checkServerIdentity: (_name, certificate) => checkIdentity(domain, certificate),
    });
    socket.setNoDelay(true);
    if (isPort(port)) watchHandshake(socket, { host, port }, this.#options);
    return new SocketPipe(socket, SECURED);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/** Tells why a handshake that we began came to nothing; not to reach the peer is no matter of TLS. */
function watchHandshake(socket: TLSSocket, peer: HostPort, { onTrouble }: TlsOptions): void {
  let state: "reaching" | "shaking" | "over" = "reaching";
  socket.once("connect", () => {
    state = "shaking";
  });
  socket.once("secureConnect", () => {
    state = "over";
  });
  socket.once("error", (error: NodeJS.ErrnoException) => {
    if (!isTlsError(error)) return;
    state = "over";
    onTrouble?.(troubleOf(error, peer, "we"));
  });
  socket.once("close", () => {
    if (state !== "shaking") return;
    onTrouble?.({ peer, side: "we", kind: "plain", why: "it does not answer in TLS" });
  });
}

/** Of every listener within TLS. How long a handshake may take is a limit of the transport. */
export function serverOptions({ files, requestClientCertificate }: TlsOptions): ServerOptions {
  return {
    minVersion: "TLSv1.2",
    // RFC 9325 §3.5: no use for it, and it costs us more than the peer.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...files,
    requestCert: requestClientCertificate,
    rejectUnauthorized: false, // judged by isWelcome, which can say why
  };
}

export function handshakeFailed(error: Error, socket: TLSSocket, options: TlsOptions): void {
  const peer = remoteOf(socket);
  if (peer !== undefined) options.onTrouble?.(troubleOf(error, peer, "they"));
}

/** False when a client certificate is asked for and there is no good one. */
export function isWelcome(socket: TLSSocket, options: TlsOptions): boolean {
  if (!options.requestClientCertificate || socket.authorized) return true;
  const peer = remoteOf(socket);
  if (peer === undefined) return false;
  const shown = Object.keys(socket.getPeerCertificate()).length > 0;
  const code = String(socket.authorizationError);
  options.onTrouble?.({
    peer,
    side: "they",
    kind: shown ? kindOf(code) : "no-certificate",
    why: shown ? `its certificate is not good: ${code}` : "it shows no certificate",
  });
  return false;
}
