// One WebSocket connection as a pipe of frames. RFC 7118 §5, §6.
import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { RawData, WebSocket } from "ws";
import { failureOf } from "./failures.ts";
import type { Pipe, PipeEvents } from "./pipe.ts";
import { tlsPeerOf } from "./tls-identity.ts";
import type { HostPort, SendFailure, TlsPeer } from "./transport.ts";
import { UnfinishedMessage } from "./unfinished-message.ts";

const LIFE = Buffer.alloc(0);
/** So many octets waiting to leave: the peer does not read. */
const UNREAD = 2 ** 17;
const TOO_LARGE = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

export class WebSocketPipe implements Pipe {
  readonly #webSocket: WebSocket;
  #socket: Socket | undefined;
  readonly #message = new UnfinishedMessage();

  /** @param socket what an accepted one runs over; of one we open it is known later */
  constructor(webSocket: WebSocket, socket: Socket | undefined) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    // Whoever is not started (its connection went during the handshake) may still fail: "close" follows.
    webSocket.on("error", () => undefined);
    webSocket.once("upgrade", (response) => {
      this.#socket = response.socket;
    });
  }

  get local(): HostPort {
    return { host: this.#socket?.localAddress ?? "", port: this.#socket?.localPort ?? 0 };
  }

  get tls(): TlsPeer | undefined {
    return this.#socket instanceof TLSSocket ? tlsPeerOf(this.#socket) : undefined;
  }

  get unfinished(): boolean {
    return this.#message.isOpen;
  }

  get backlog(): number {
    return this.#webSocket.bufferedAmount;
  }

  start(events: PipeEvents): void {
    const webSocket = this.#webSocket;
    let why: SendFailure = "closed";
    webSocket.on("open", () => events.onOpen(this.local));
    webSocket.on("message", (received) => events.onBytes(octetsOf(received)));
    webSocket.on("ping", (payload) => {
      // RFC 6455 §5.5.2: to be answered; but who asks and does not read fills no memory with answers.
      if (this.backlog < UNREAD) webSocket.pong(payload);
      events.onBytes(LIFE); // a sign of life and nothing else
    });
    webSocket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === TOO_LARGE) events.onRejected("message too large");
      why = failureOf(error); // "close" follows
    });
    webSocket.on("close", () => events.onClosed(why));
    this.#watchOctets(events);
  }

  /** `ws` says nothing before a message is whole: its frames are followed before, and looked at behind it. */
  #watchOctets(events: PipeEvents): void {
    this.#socket?.prependListener("data", (chunk: Buffer) => this.#message.push(chunk));
    this.#socket?.on("data", () => {
      if (this.#message.isOpen) events.onBytes(LIFE);
    });
  }

  /** RFC 7118 §5: text where it is text, since many clients in browsers expect it. */
  write(bytes: Buffer, onFailure?: (why: SendFailure) => void): void {
    this.#webSocket.send(bytes, { binary: !isUtf8(bytes) }, (error) => {
      if (error instanceof Error) onFailure?.("closed");
    });
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }
}

function octetsOf(received: RawData): Buffer {
  if (Buffer.isBuffer(received)) return received;
  return Array.isArray(received) ? Buffer.concat(received) : Buffer.from(received);
}
