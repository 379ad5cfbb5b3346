// Client transactions as they run: a machine, its effects, the callbacks of the user.
import { encode } from "../message/encode.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";
import type { Flow, SendFailure } from "../transport/transport.ts";
import { ackOfFailure, cancelOf } from "./ack.ts";
import { type InviteClientState, stepInviteClient } from "./invite-client.ts";
import type { ClientInput, Effect, MachineContext } from "./machine.ts";
import { type NonInviteClientState, stepNonInviteClient } from "./non-invite-client.ts";
import type { TimerName } from "./timers.ts";
import { Transaction, type TransactionContext } from "./transaction.ts";
import type { ClientTransaction, RequestFailure, ResponseHandlers } from "./user.ts";
import type { TransactionView } from "./view.ts";

/** A request as it goes out: its octets with our Via on top, the path it takes. */
export interface OutgoingRequest {
  readonly callId: string;
  /** INVITE only, our Via on top: what an ACK and a CANCEL are made from. */
  readonly invite: SipRequest | undefined;
  readonly bytes: Buffer;
  readonly flow: Flow;
}

/** Another way to send what could not be sent: RFC 3261 §18.1.1, from TCP back to UDP. */
export type Fallback = (why: SendFailure) => OutgoingRequest | undefined;

/** What a client transaction needs of its layer. */
export interface ClientOwner {
  forget(transaction: RunningClient): void;
  /** Over UDP: all that is left to do is to take repeated responses in silence. */
  completed(transaction: RunningClient, flow: Flow): void;
  /** Sends a CANCEL, a transaction of its own under the branch of its INVITE. */
  sendCancel(branch: string, outgoing: OutgoingRequest): void;
}

/** RFC 3261 §9.1: a CANCEL waits for the first provisional response. */
type Cancelling = "too-early" | "waiting" | "possible" | "sent";

interface Received {
  readonly response: SipResponse;
  readonly flow: Flow;
}

const NO_REASON: readonly string[] = [];

export abstract class RunningClient extends Transaction implements ClientTransaction {
  readonly branch: string;
  readonly method: string;
  /** Of its request, once that is known. */
  callId = "";
  readonly #owner: ClientOwner;
  #handlers: ResponseHandlers | undefined;
  #flow: Flow | undefined;
  /** INVITE only, until the final response. */
  #invite: SipRequest | undefined;
  #fallback: Fallback | undefined;
  #cancelling: Cancelling = "too-early";
  /** Of the CANCEL. */
  #reasons = NO_REASON;
  #why: RequestFailure = "timeout";
  #heard = false;

  constructor(
    context: TransactionContext,
    owner: ClientOwner,
    request: { readonly method: string; readonly branch: string },
    handlers: ResponseHandlers,
  ) {
    super(context);
    this.branch = request.branch;
    this.method = request.method;
    this.#owner = owner;
    this.#handlers = handlers;
  }

  protected abstract readonly stateName: string;
  /** Back to the initial state. */
  protected abstract restart(): void;
  protected abstract advance(context: MachineContext, input: ClientInput): readonly Effect[];

  protected get ended(): boolean {
    return this.stateName === "terminated";
  }

  get view(): TransactionView {
    return {
      kind: "client",
      method: this.method,
      state: this.stateName,
      startedAt: this.startedAt,
      endsAt: this.endsAt,
      flow: this.#flow,
      branch: this.branch,
      callId: this.callId,
    };
  }

  start(outgoing: OutgoingRequest, fallback?: Fallback): void {
    if (this.#handlers === undefined) return; // abandoned while its host name was looked up
    const { callId, invite, bytes, flow } = outgoing;
    this.#flow = flow;
    this.callId = callId;
    this.#invite = invite;
    this.#fallback = fallback;
    this.bytes = bytes;
    this.#step(START);
    if (flow.transport !== "udp") this.bytes = undefined; // nothing is sent twice
  }

  /** It never came to sending. */
  failToStart(why: RequestFailure): void {
    this.#why = why;
    this.#owner.forget(this);
    this.#fail();
  }

  receive(response: SipResponse, flow: Flow): void {
    this.#fallback = undefined;
    this.#heard = true;
    this.#step({ kind: "response", status: response.status }, { response, flow });
  }

  onTimer(timer: TimerName): void {
    this.#step({ kind: "timer", timer });
  }

  cancel(reasons: readonly string[] = NO_REASON): void {
    if (this.#cancelling === "too-early" || this.#cancelling === "possible")
      this.#reasons = reasons;
    if (this.#cancelling === "possible") this.#sendCancel();
    else if (this.#cancelling === "too-early") this.#cancelling = "waiting";
  }

  abandon(): void {
    this.#handlers = undefined;
    this.#invite = undefined;
    this.#flow = undefined;
    this.bytes = undefined;
    this.#leave();
  }

  #leave(): void {
    this.stopTimers();
    this.#owner.forget(this);
  }

  #step(input: ClientInput, received?: Received): void {
    if (this.#flow === undefined) return;
    const effects = this.advance(this.contextFor(this.#flow), input);
    if (this.ended) this.#leave();
    for (let at = 0; at < effects.length; at++) this.#perform(effects[at] as Effect, received);
  }

  #perform(effect: Effect, received: Received | undefined): void {
    switch (effect.kind) {
      case "send":
        this.#send();
        return;
      case "resend":
        this.#resend();
        return;
      case "ack":
        if (received !== undefined) this.#acknowledge(received.response);
        return;
      case "deliver":
        if (received !== undefined) this.#deliver(received);
        return;
      case "fail":
        if (effect.why === "timeout") this.#why = "timeout";
        this.#fail();
        return;
      case "start":
        if (effect.timer !== "K") this.setTimer(effect);
        else if (this.#flow !== undefined) this.#owner.completed(this, this.#flow);
        return;
      case "stop":
        this.setTimer(effect);
        return;
      case "send-trying":
        return; // of server transactions only
    }
  }

  #send(): void {
    const flow = this.#flow;
    if (this.bytes === undefined || flow === undefined) return;
    this.context.port.send(this.bytes, flow, (why) => this.#notSent(flow, why));
  }

  #resend(): void {
    if (this.bytes === undefined || this.#flow === undefined) return;
    this.context.port.onRepeat("request");
    this.context.port.send(this.bytes, this.#flow);
  }

  #acknowledge(response: SipResponse): void {
    if (this.#invite === undefined || this.#flow === undefined) return;
    this.bytes = encode(ackOfFailure(this.#invite, response));
    this.context.port.send(this.bytes, this.#flow);
  }

  #deliver({ response, flow }: Received): void {
    const handlers = this.#handlers;
    if (response.status >= 200) this.#keepLittle(response.status);
    else if (this.#cancelling === "waiting") this.#sendCancel();
    else if (this.#cancelling === "too-early") this.#cancelling = "possible";
    handlers?.onResponse(response, flow);
  }

  #sendCancel(): void {
    this.#cancelling = "sent";
    if (this.#invite === undefined || this.#flow === undefined) return; // it has its final response
    const request = cancelOf(this.#invite, this.#reasons);
    const { callId } = request;
    const outgoing = { callId, invite: undefined, bytes: encode(request), flow: this.#flow };
    this.#owner.sendCancel(this.branch, outgoing);
  }

  /** What is left to do: send the ACK again, or hand up the 2xx of another fork. */
  #keepLittle(status: number): void {
    const accepted = this.method === "INVITE" && status < 300;
    const acknowledged = this.method === "INVITE" && status >= 300;
    if (!accepted) this.#handlers = undefined;
    if (!acknowledged) this.bytes = undefined;
    this.#invite = undefined;
    this.callId = this.method === "INVITE" ? ownCopy(this.callId) : this.callId;
  }

  #notSent(flow: Flow, why: SendFailure): void {
    if (this.#flow !== flow) return; // sent another way or abandoned meanwhile
    const other = this.#fallback?.(why);
    if (other === undefined) {
      this.#why = why;
      this.#step(NOT_SENT);
      return;
    }
    this.stopTimers();
    this.restart();
    this.start(other);
  }

  #fail(): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    this.#handlers = undefined;
    this.context.port.onFailed(this.#why, this.#flow, this.#heard);
    handlers.onFailure(this.#why);
  }
}

const START: ClientInput = { kind: "start" };
const NOT_SENT: ClientInput = { kind: "transport-failure" };

const INVITE_INITIAL: InviteClientState = { name: "initial" };

export class InviteClientTransaction extends RunningClient {
  #state = INVITE_INITIAL;

  protected get stateName(): string {
    return this.#state.name;
  }

  protected restart(): void {
    this.#state = INVITE_INITIAL;
  }

  protected advance(context: MachineContext, input: ClientInput): readonly Effect[] {
    const { state, effects } = stepInviteClient(context, this.#state, input);
    this.#state = state;
    return effects;
  }
}

const NON_INVITE_INITIAL: NonInviteClientState = { name: "initial" };

export class NonInviteClientTransaction extends RunningClient {
  #state = NON_INVITE_INITIAL;

  protected get stateName(): string {
    return this.#state.name;
  }

  protected restart(): void {
    this.#state = NON_INVITE_INITIAL;
  }

  protected advance(context: MachineContext, input: ClientInput): readonly Effect[] {
    const { state, effects } = stepNonInviteClient(context, this.#state, input);
    this.#state = state;
    return effects;
  }
}
