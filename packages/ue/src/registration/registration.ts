// One UE's registration: performs the effects of its machine. TS 24.229 §5.1.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { registrarUri } from "../user-agent/addresses.ts";
import type { Identity } from "../user-agent/identity.ts";
import type { Credentials } from "./credentials.ts";
import { step } from "./machine.ts";
import { registerRequest } from "./register-request.ts";
import { outcomeOf } from "./register-response.ts";
import {
  type Granted,
  initialState,
  nextDeadline,
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
} from "./state.ts";

export interface RegistrationEvents {
  /** `first`: initial registration; else the registration was renewed. */
  onRegistered(granted: Granted, first: boolean): void;
  /** A registration that stood stands no more. */
  onEnded(why: string): void;
  onFailed(why: string): void;
}

export interface RegistrationOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity;
  readonly credentials: Credentials;
  readonly send: SendRequest;
  readonly expiresSeconds: number;
  readonly events: RegistrationEvents;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #fromTag: string;
  #state: RegistrationState = initialState;
  #timer: Timer | undefined;
  /** Counts REGISTERs, so that an answer to an older one is known as such. */
  #sent = 0;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#fromTag = options.random.hex(8);
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** The registration that stands, if one does. */
  get granted(): Granted | undefined {
    return "granted" in this.#state ? this.#state.granted : undefined;
  }

  /** Whether a REGISTER waits for its answer. */
  get isPending(): boolean {
    return "procedure" in this.#state;
  }

  apply(input: RegistrationInput): void {
    const { clock, random, expiresSeconds } = this.#options;
    const { state, effects } = step(
      { now: clock.now(), random, expiresSeconds },
      this.#state,
      input,
    );
    this.#state = state;
    this.#arm();
    for (const effect of effects) this.#perform(effect);
  }

  /** Ends the timer; sends nothing. */
  close(): void {
    this.#timer?.cancel();
    this.#sent++;
  }

  #arm(): void {
    this.#timer?.cancel();
    const deadline = nextDeadline(this.#state);
    if (deadline === undefined) return;
    this.#timer = this.#options.clock.at(deadline, () => this.apply({ kind: "due" }));
  }

  #perform(effect: RegistrationEffect): void {
    const { events } = this.#options;
    switch (effect.kind) {
      case "send":
        this.#send(effect);
        break;
      case "registered":
        events.onRegistered(effect.granted, effect.first);
        break;
      case "ended":
        events.onEnded(effect.why);
        break;
      case "failed":
        events.onFailed(effect.why);
        break;
    }
  }

  #send(effect: Extract<RegistrationEffect, { kind: "send" }>): void {
    const { identity, credentials, send } = this.#options;
    const isInitial =
      this.#state.name === "registering" ||
      ("procedure" in this.#state && this.#state.procedure.anew);
    const toAuthorize = { method: "REGISTER", uri: registrarUri(identity.impu, identity.domain) };
    const request = registerRequest(identity, {
      order: effect.order,
      expiresSeconds: effect.expiresSeconds,
      authorization: effect.authorization ?? credentials.unprompted(toAuthorize, isInitial),
      fromTag: this.#fromTag,
    });
    const mine = ++this.#sent;
    send(request, {
      onResponse: (response) => {
        if (mine !== this.#sent) return;
        const outcome = outcomeOf(request, response, identity, credentials);
        // A 401 that came damaged would else be answered with each REGISTER to come.
        if (outcome?.kind === "refused" && outcome.status < 500) credentials.refused();
        if (outcome !== undefined) this.apply(outcome);
      },
      onFailure: (why) => {
        if (mine !== this.#sent) return;
        // A connection that ended while it was being made is a flow lost like any other.
        this.apply(why === "closed" ? { kind: "flow-lost" } : { kind: "unanswered", why });
      },
    });
  }
}
