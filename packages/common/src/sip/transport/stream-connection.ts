// One connection of a stream transport: framing, keep-alive, write queue, deadlines. RFC 3261 §18.3, RFC 5626 §4.4.1.
import type { Clock, Timer } from "../../platform/clock.ts";
import { type Frame, Framer } from "../message/framer.ts";
import { foreignProtocol } from "./foreign-octets.ts";
import { PING, PONG } from "./keep-alive.ts";
import type { Pipe } from "./pipe.ts";
import { IDLE, MADE_ROOM, type StreamLimits } from "./stream-limits.ts";
import type { Flow, HostPort, SendFailure } from "./transport.ts";
import { isAnswer, UnansweredRequests } from "./unanswered-requests.ts";
import { WholeFrames } from "./whole-frames.ts";

type OnFailure = (why: SendFailure) => void;

/** Whom a connection reports to. */
export interface ConnectionOwner {
  onMessage(bytes: Buffer, flow: Flow): void;
  onRejected(reason: string, flow: Flow): void;
  /** The peer sends nothing more: nothing but answers to it goes there from now on. */
  onHalfClosed(connection: StreamConnection): void;
  /** @param wasOpen false when the connection was never made, or was half-closed before. */
  onGone(connection: StreamConnection, wasOpen: boolean): void;
}

export type ConnectionFlow = { -readonly [Key in keyof Flow]: Flow[Key] };

/** Finds the messages in what a pipe brings. */
interface FrameReader {
  /** A message has begun and is not whole. */
  readonly pending: boolean;
  push(chunk: Buffer): readonly Frame[];
}

interface Waiting {
  readonly bytes: Buffer;
  readonly onFailure: OnFailure | undefined;
}

export class StreamConnection {
  readonly flow: ConnectionFlow;
  readonly #pipe: Pipe;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #framer: FrameReader;
  /**
   * `answering`: the peer has closed its side and waits for answers. `ending`: nothing is read or
   * taken for sending any more, what was sent may still leave.
   */
  #state: "connecting" | "open" | "answering" | "ending" | "closed";
  readonly #unanswered = new UnansweredRequests();
  #halfClosedAt: number | undefined;
  /** Why it closed: said to everything sent from then on. */
  #why: SendFailure = "closed";
  #waiting: Waiting[] = [];
  #waitingOctets = 0;
  /** CRLF received that are not (yet) part of a ping; who waits for the answer to ours. */
  #lineEnds = 0;
  #onPong: (() => void) | undefined;
  readonly #openedAt: number;
  #activeAt: number;
  /** Undefined while no message has begun that is not whole. */
  #partialSince: number | undefined;
  #heard = false;
  /** Since when nothing of what waits to be written has left; undefined while nothing waits. */
  #stuckSince: number | undefined;
  /** Octets written, and how many of them had left when last looked at. */
  #written = 0;
  #left = 0;
  #timer: Timer | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  /** @param accepted true for the peer's connection to us, false for ours to it. */
  constructor(
    pipe: Pipe,
    flow: ConnectionFlow,
    accepted: boolean,
    context: { owner: ConnectionOwner; clock: Clock; limits: StreamLimits; framed: boolean },
  ) {
    this.flow = flow;
    this.#pipe = pipe;
    this.#owner = context.owner;
    this.#clock = context.clock;
    this.#limits = context.limits;
    const { maxMessageBytes } = context.limits;
    this.#framer = context.framed ? new WholeFrames(maxMessageBytes) : new Framer(maxMessageBytes);
    this.#state = accepted && pipe.opening !== true ? "open" : "connecting";
    this.#heard = !accepted;
    if (accepted && pipe.tls !== undefined) this.flow.tls = pipe.tls;
    this.#openedAt = this.#clock.now();
    this.#activeAt = this.#openedAt;
    this.#watch();
    pipe.start({
      onOpen: (local) => this.#opened(local),
      onBytes: (chunk) => this.#received(chunk),
      onRejected: (reason) => this.#owner.onRejected(reason, this.flow),
      onEnded: () => this.#halfClosed(),
      onClosed: (why) => this.#closed(why),
    });
  }

  send(bytes: Buffer, onFailure?: OnFailure): void {
    if (!this.#takes(bytes)) this.#fail(onFailure, this.#why);
    else if (this.#backlog + bytes.length > this.#limits.maxBacklogBytes) {
      this.#fail(onFailure, "overloaded");
    } else if (this.#state === "connecting") {
      this.#waiting.push({ bytes, onFailure });
      this.#waitingOctets += bytes.length;
    } else this.#write(bytes, onFailure);
  }

  #takes(bytes: Buffer): boolean {
    if (this.#state === "answering") return isAnswer(bytes);
    return this.#state !== "closed" && this.#state !== "ending";
  }

  /** Closes after what was sent has left, or when that takes too long. */
  end(): void {
    if (this.#state === "connecting") this.#pipe.destroy();
    if (this.#state !== "open" && this.#state !== "answering") return;
    this.#state = "ending";
    this.#pipe.end();
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#limits.closeGraceMs, () => this.#pipe.destroy());
  }

  /** RFC 5626 §3.5.1: two CRLF. */
  ping(onPong: () => void): void {
    this.#onPong = onPong;
    this.send(PING);
  }

  /** Closed at once, to make room for another. */
  giveWay(): void {
    this.#owner.onRejected(MADE_ROOM, this.flow);
    this.giveUp();
  }

  /** Closed at once. */
  giveUp(): void {
    this.#pipe.destroy();
    this.#closed("closed"); // the pipe would say so later only
  }

  get #backlog(): number {
    return this.#state === "connecting" ? this.#waitingOctets : this.#pipe.backlog;
  }

  #write(bytes: Buffer, onFailure: OnFailure | undefined): void {
    this.#activeAt = this.#clock.now();
    this.#pipe.write(bytes, onFailure);
    this.#written += bytes.length;
    this.#unanswered.sent(bytes);
    if (this.#state === "answering" && this.#unanswered.count === 0) {
      this.end();
      return;
    }
    if (this.#stuckSince !== undefined || this.#pipe.backlog === 0) return;
    this.#stuckSince = this.#activeAt;
    this.#left = this.#written - this.#pipe.backlog;
    this.#watch();
  }

  /** A slow peer that reads is none that does not. */
  #lookAtBacklog(): void {
    const left = this.#written - this.#pipe.backlog;
    if (this.#pipe.backlog === 0) this.#stuckSince = undefined;
    else if (left > this.#left) this.#stuckSince = this.#clock.now();
    this.#left = left;
  }

  #opened(local: HostPort): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    // A wildcard listener learns here which address of ours this peer sees.
    this.flow.local = { host: local.host, port: this.flow.local.port };
    if (this.#pipe.tls !== undefined) this.flow.tls = this.#pipe.tls;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingOctets = 0;
    for (const { bytes, onFailure } of waiting) this.#write(bytes, onFailure);
    this.#watch();
  }

  #received(chunk: Buffer): void {
    if (this.#state !== "open") return;
    this.#activeAt = this.#clock.now();
    const foreign = this.#heard || this.#isPartial ? undefined : this.#foreign(chunk);
    if (foreign !== undefined) {
      this.#reject(foreign);
      return;
    }
    let whole = false;
    for (const frame of this.#framer.push(chunk)) {
      if (this.#state !== "open") return; // a handler closed the transport
      if (frame.kind === "message") whole = true;
      this.#take(frame);
    }
    if (whole || !this.#isPartial) this.#partialSince = undefined;
    if (!this.#isPartial || this.#partialSince !== undefined) return;
    this.#partialSince = this.#activeAt;
    this.#watch();
  }

  /** What is no SIP from its first octet on would be waited for in vain. */
  #foreign(chunk: Buffer): string | undefined {
    return this.flow.transport === "tcp" ? foreignProtocol(chunk) : undefined;
  }

  get #isPartial(): boolean {
    return this.#framer.pending || this.#pipe.unfinished === true;
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case "message":
        this.#heard = true;
        this.#lineEnds = 0;
        this.#unanswered.received(frame.bytes);
        this.#owner.onMessage(frame.bytes, this.flow);
        return;
      case "line-ends":
        this.#keepAlive(frame.count);
        return;
      case "rejected":
        this.#reject(frame.reason);
        return;
    }
  }

  #keepAlive(count: number): void {
    if (count === 1 && this.#onPong !== undefined) {
      const told = this.#onPong;
      this.#onPong = undefined;
      told();
      return;
    }
    this.#lineEnds += count;
    if (this.#lineEnds < 2) return;
    this.#lineEnds = 0;
    // However many pings arrive at once, one answer: nothing is amplified.
    this.send(PONG);
  }

  #reject(reason: string): void {
    this.#owner.onRejected(reason, this.flow);
    this.end();
  }

  /** RFC 3261 §18.2.2: answers go over the connection that the request came by, while it takes them. */
  #halfClosed(): void {
    if (this.#state !== "open") return;
    if (this.#unanswered.count === 0) {
      this.end(); // its last answers may wait for their turn yet: the flow is lost when the connection has gone
      return;
    }
    this.#halfClosedAt = this.#clock.now();
    this.#state = "answering";
    this.#owner.onHalfClosed(this);
    this.#watch();
  }

  #closed(why: SendFailure): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state !== "connecting" && this.#halfClosedAt === undefined;
    if (this.#state === "connecting" && this.#why === "closed") this.#why = why;
    this.#state = "closed";
    this.#timer?.cancel();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#owner.onGone(this, wasOpen);
    for (const { onFailure } of waiting) onFailure?.(this.#why);
  }

  #fail(onFailure: OnFailure | undefined, why: SendFailure): void {
    if (onFailure !== undefined) this.#clock.after(0, () => onFailure(why));
  }

  /** When this connection has to go if nothing happens until then. */
  #deadline(): number {
    const limits = this.#limits;
    const byFirstMessage = this.#openedAt + limits.firstMessageTimeoutMs;
    if (this.#state === "connecting")
      return this.#heard ? this.#openedAt + limits.connectTimeoutMs : byFirstMessage;
    if (this.#halfClosedAt !== undefined) return this.#halfClosedAt + limits.answerGraceMs;
    const idle = this.#activeAt + limits.idleTimeoutMs;
    const first = this.#heard ? idle : byFirstMessage;
    const partial =
      this.#partialSince === undefined ? idle : this.#partialSince + limits.partialTimeoutMs;
    const stuck =
      this.#stuckSince === undefined ? idle : this.#stuckSince + limits.partialTimeoutMs;
    return Math.min(idle, first, partial, stuck);
  }

  /** One timer, moved only when it would fire too late; firing early it looks again. */
  #watch(): void {
    const due = this.#deadline();
    if (due >= this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    this.#timer = this.#clock.at(due, () => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#lookAtBacklog();
      if (this.#clock.now() < this.#deadline()) this.#watch();
      else this.#expire();
    });
  }

  #expire(): void {
    if (this.#state === "connecting") {
      this.#why = "timeout";
      if (!this.#heard) this.#owner.onRejected("handshake not completed", this.flow);
    } else if (this.#state === "answering") {
      // No answer came in time; nobody is to blame at this level.
    } else if (this.#isPartial) this.#owner.onRejected("message not completed", this.flow);
    else if (!this.#heard) this.#owner.onRejected("no message after connecting", this.flow);
    else
      this.#owner.onRejected(
        this.#stuckSince === undefined ? IDLE : "peer does not read",
        this.flow,
      );
    this.#pipe.destroy();
  }
}
