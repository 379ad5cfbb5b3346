// SIP over TLS. RFC 3261 §26.2.1, RFC 5922; everything but sockets and certificates is in stream-transport.
import { createServer, connect as openTls, type Server, type TLSSocket } from "node:tls";
import type { Carrier, Pipe } from "./pipe.ts";
import {
  closeServer,
  listenOn,
  nominalAddress,
  remoteOf,
  type SocketKind,
  SocketPipe,
  sourceFor,
} from "./socket-pipe.ts";
import { DEFAULT_STREAM_LIMITS } from "./stream-limits.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import type { TlsCredentials } from "./tls-files.ts";
import { checkIdentity, tlsPeerOf } from "./tls-identity.ts";
import { type HostPort, isPort, type Remote, type Transport } from "./transport.ts";

/** A handshake that failed, for a person to read. */
export interface TlsTrouble {
  readonly peer: HostPort;
  /** Who connected. */
  readonly side: "they" | "we";
  readonly why: string;
}

export interface TlsOptions extends TlsCredentials {
  /** Peers that connect must show a certificate of these authorities. */
  readonly requestClientCertificate: boolean;
  onTrouble?(trouble: TlsTrouble): void;
}

/** @param listens false: it only connects to others */
export function tlsTransport(options: StreamOptions, tls: TlsOptions, listens = true): Transport {
  const carrier = new TlsCarrier(tls, options.maxConnections, listens);
  return new StreamTransport(carrier, options, "tls");
}

/** TLS 1.2 at least; a handshake must be over in this time. */
export const HANDSHAKE: { readonly minVersion: "TLSv1.2"; readonly handshakeTimeout: number } = {
  minVersion: "TLSv1.2",
  handshakeTimeout: 10_000,
};

const SECURED: SocketKind<TLSSocket> = { openEvent: "secureConnect", tlsPeer: tlsPeerOf };

class TlsCarrier implements Carrier {
  readonly #options: TlsOptions;
  readonly #most: number;
  readonly #listens: boolean;
  #server: Server | undefined;

  constructor(
    options: TlsOptions,
    most: number = DEFAULT_STREAM_LIMITS.maxConnections,
    listens = true,
  ) {
    this.#options = options;
    this.#most = most;
    this.#listens = listens;
  }

  listen(at: HostPort, accept: (pipe: Pipe, remote: HostPort) => void): Promise<HostPort> {
    if (!this.#listens) return Promise.resolve(nominalAddress(at));
    const { files, requestClientCertificate, onTrouble } = this.#options;
    const server = createServer(
      {
        ...HANDSHAKE,
        noDelay: true,
        ...files,
        requestCert: requestClientCertificate,
        rejectUnauthorized: false, // judged by isWelcome, which can say why
      },
      (socket) => {
        const remote = remoteOf(socket);
        if (remote === undefined || !isWelcome(socket, remote, this.#options)) socket.destroy();
        else accept(new SocketPipe(socket, SECURED), remote);
      },
    );
    // Handshakes under way count too; one more than served, so that the transport refuses and says so.
    server.maxConnections = this.#most + 64;
    server.on("tlsClientError", (error, socket) => {
      const peer = remoteOf(socket);
      if (peer !== undefined) onTrouble?.({ peer, side: "they", why: textOf(error) });
    });
    this.#server = server;
    return listenOn(server, at);
  }

  connect(from: HostPort, { host, port, domain = host }: Remote): Pipe {
    const socket = openTls({
      host,
      port,
      ...sourceFor(from),
      ...HANDSHAKE,
      secureContext: this.#options.context,
      // RFC 6066 §3: addresses are no server names.
      servername: domain === host ? "" : domain,
      checkServerIdentity: (_name, certificate) => checkIdentity(domain, certificate),
    });
    socket.setNoDelay(true);
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const why = textOf(error);
      if (isPort(port) && isCertificateTrouble(error))
        this.#options.onTrouble?.({ peer: { host, port }, side: "we", why });
    });
    return new SocketPipe(socket, SECURED);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }
}

/** False when a client certificate is asked for and there is no good one. */
export function isWelcome(socket: TLSSocket, peer: HostPort, options: TlsOptions): boolean {
  if (!options.requestClientCertificate || socket.authorized) return true;
  const why = `no certificate of an authority we believe (${String(socket.authorizationError)})`;
  options.onTrouble?.({ peer, side: "they", why });
  return false;
}

/** System errors (refused, reset …) are told as send failures and are no matter of certificates. */
export function isCertificateTrouble({ code }: NodeJS.ErrnoException): boolean {
  return code === undefined || /^[A-Z]+_/.test(code);
}

export function textOf(error: NodeJS.ErrnoException): string {
  return error.message.replace(/^.*:SSL routines:[^:]*:/, "").replace(/[\r\n].*$/s, "");
}
