// The common part of client and server transactions: context, timers, the carrying out of effects.
import type { Clock } from "../../platform/clock.ts";
import type { Flow } from "../transport/transport.ts";
import type { Delay, FixedDelays, TimerOwner } from "./fixed-delays.ts";
import type { Effect, MachineContext } from "./machine.ts";
import type { TransactionPort } from "./port.ts";
import type { Slab } from "./slab.ts";
import type { TimerName } from "./timers.ts";
import type { TransactionView } from "./view.ts";

/** One per layer, shared by all its transactions. */
export interface TransactionContext {
  readonly port: TransactionPort;
  readonly clock: Clock;
  readonly delays: FixedDelays;
  readonly slab: Slab;
  readonly reliable: MachineContext;
  readonly unreliable: MachineContext;
}

export abstract class Transaction implements TimerOwner {
  readonly startedAt: number;
  protected readonly context: TransactionContext;
  /** The message to send again; all that is kept once there was a final response. */
  protected bytes: Buffer | undefined;
  /** At most one timer that repeats (A, E, G) and one that ends something. */
  #repeating: Delay | undefined;
  #ending: Delay | undefined;

  constructor(context: TransactionContext) {
    this.context = context;
    this.startedAt = context.clock.now();
  }

  abstract onTimer(timer: TimerName): void;
  abstract readonly view: TransactionView;

  /** When the timer that ends the transaction fires. */
  protected get endsAt(): number | undefined {
    return this.#ending?.timer === "trying" ? undefined : this.#ending?.due;
  }

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
