// What client and server transactions share: context, timers, the carrying out of effects.
import type { Timer } from "../../platform/clock.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import type { Flow, SendFailure } from "../transport/transport.ts";
import type { FixedDelays, TimerOwner } from "./fixed-delays.ts";
import type { Effect, MachineContext } from "./machine.ts";
import type { Slab } from "./slab.ts";
import type { TimerName } from "./timers.ts";
import type { RequestFailure } from "./user.ts";

/** How transactions reach the network. */
export interface TransactionPort {
  /** A request or an ACK, to where it was sent first. */
  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void;
  /** A response; `response` is what to route by when the request's connection has gone. */
  reply(bytes: Buffer, flow: Flow, response?: SipResponse): void;
  /** What may be sent in answer to `request`: the whole, less, or nothing. */
  bounded(
    whole: Buffer,
    flow: Flow,
    request: SipRequest,
    response: SipResponse,
  ): Buffer | undefined;
  /** A message is about to be sent once more. */
  onRepeat(kind: "request" | "response"): void;
  /** A request ends without a final response. @param flow undefined when it never was sent */
  /** @param heard whether a provisional response has come: who was asked is there */
  onFailed(why: RequestFailure, flow: Flow | undefined, heard: boolean): void;
  /** A value for a To tag that was left out (RFC 3261 §19.3). */
  newTag(): string;
}

/** One per layer, shared by all its transactions. */
export interface TransactionContext {
  readonly port: TransactionPort;
  readonly delays: FixedDelays;
  readonly slab: Slab;
  readonly reliable: MachineContext;
  readonly unreliable: MachineContext;
}

export abstract class Transaction implements TimerOwner {
  protected readonly context: TransactionContext;
  /** The message to send again; all that is kept once there was a final response. */
  protected bytes: Buffer | undefined;
  /** At most one timer that repeats (A, E, G) and one that ends something. */
  #repeating: Timer | undefined;
  #ending: Timer | undefined;

  constructor(context: TransactionContext) {
    this.context = context;
  }

  abstract onTimer(timer: TimerName): void;

  protected contextFor(flow: Flow): MachineContext {
    return flow.transport === "udp" ? this.context.unreliable : this.context.reliable;
  }

  protected setTimer(effect: Extract<Effect, { kind: "start" | "stop" }>): void {
    if (effect.kind === "stop") {
      if (isRepeating(effect.timer)) this.#stopRepeating();
      else this.#stopEnding();
      return;
    }
    const timer = this.context.delays.after(effect.ms, this, effect.timer);
    if (isRepeating(effect.timer)) this.#repeating = timer;
    else this.#ending = timer;
  }

  protected stopTimers(): void {
    this.#stopRepeating();
    this.#stopEnding();
  }

  #stopRepeating(): void {
    this.#repeating?.cancel();
    this.#repeating = undefined;
  }

  #stopEnding(): void {
    this.#ending?.cancel();
    this.#ending = undefined;
  }
}

function isRepeating(timer: TimerName): boolean {
  return timer === "A" || timer === "E" || timer === "G";
}
