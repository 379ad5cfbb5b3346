// Server transactions as they run: a machine, its effects, the user's view of the request.
import { encode } from "../message/encode.ts";
import { newResponse, type SipRequest, type SipResponse } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";
import type { Flow } from "../transport/transport.ts";
import { type InviteServerState, stepInviteServer } from "./invite-server.ts";
import { branchIn } from "./key.ts";
import type { Effect, MachineContext, ServerInput } from "./machine.ts";
import { type NonInviteServerState, stepNonInviteServer } from "./non-invite-server.ts";
import type { ReceivedRequest } from "./port.ts";
import type { TimerName } from "./timers.ts";
import { Transaction, type TransactionContext } from "./transaction.ts";
import type { Incoming, RefusalOptions } from "./user.ts";
import type { TransactionView } from "./view.ts";

/** What a server transaction needs of its layer. */
export interface ServerOwner {
  deliver(incoming: Incoming): void;
  /** Answers without state. */
  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void;
  forget(transaction: ServerTransaction): void;
  /** Over UDP: all that is left to do is to repeat its response, if there is one. */
  completed(transaction: ServerTransaction, response: Buffer | undefined): void;
  /** Whether this holder may have another one pending; counted if so. */
  claim(holder: string): boolean;
  /** It has its final answer, or will have none. */
  settled(holder: string | undefined): void;
}

export abstract class ServerTransaction extends Transaction {
  readonly key: string;
  /** The size of the request. */
  readonly octets: number;
  readonly owner: ServerOwner;
  readonly method: string;
  readonly replyFlow: Flow;
  #incoming: IncomingRequest | undefined;
  #holder: string | undefined;
  /** Of an INVITE that has its final response. */
  #callId = "";

  constructor(
    context: TransactionContext,
    owner: ServerOwner,
    key: string,
    received: ReceivedRequest,
  ) {
    super(context);
    this.key = key;
    this.octets = received.request.octets;
    this.owner = owner;
    this.method = received.request.method;
    this.replyFlow = received.replyFlow;
    this.#incoming = new IncomingRequest(this, received);
  }

  /** The request while it has no final response. */
  get incoming(): Incoming | undefined {
    return this.#incoming;
  }

  protected abstract readonly stateName: string;
  /** Only those of INVITE outlive their final response here. */
  protected abstract readonly isInvite: boolean;
  protected abstract advance(context: MachineContext, input: ServerInput): readonly Effect[];

  protected get ended(): boolean {
    return this.stateName === "terminated";
  }

  get view(): TransactionView {
    return {
      kind: "server",
      method: this.method,
      state: this.stateName,
      startedAt: this.startedAt,
      endsAt: this.endsAt,
      flow: this.#incoming?.flow ?? this.replyFlow,
      branch: branchIn(this.key),
      callId: this.#incoming?.request.callId ?? this.#callId,
    };
  }

  start(): void {
    this.#step(START);
  }

  /** The request came once more. */
  repeated(): void {
    this.#step(REPEATED);
  }

  acknowledged(ack: ReceivedRequest): void {
    this.#step(ACKNOWLEDGED, undefined, ack);
  }

  respond(response: SipResponse): void {
    if (this.ended) return;
    const { status } = response;
    this.#step({ kind: "respond", status }, response);
    if (status >= 200) this.#settle();
  }

  /** For one holder, once. */
  claim(holder: string): boolean {
    if (this.#incoming === undefined || this.#holder !== undefined) return true;
    if (!this.owner.claim(holder)) return false;
    this.#holder = holder;
    return true;
  }

  onTimer(timer: TimerName): void {
    this.#step({ kind: "timer", timer });
  }

  /** Stops without a word. */
  forget(): void {
    this.stopTimers();
    this.#settle();
    this.owner.forget(this);
  }

  #settle(): void {
    if (this.#incoming === undefined) return;
    if (this.isInvite) this.#callId = ownCopy(this.#incoming.request.callId);
    this.#incoming = undefined;
    this.owner.settled(this.#holder);
  }

  #step(input: ServerInput, response?: SipResponse, ack?: ReceivedRequest): void {
    const effects = this.advance(this.contextFor(this.replyFlow), input);
    if (this.ended) this.forget();
    for (let at = 0; at < effects.length; at++) this.#perform(effects[at] as Effect, response, ack);
  }

  #perform(
    effect: Effect,
    response: SipResponse | undefined,
    ack: ReceivedRequest | undefined,
  ): void {
    switch (effect.kind) {
      case "send":
        if (response !== undefined) this.#send(response);
        return;
      case "send-trying":
        if (this.#incoming !== undefined) this.#send(newResponse(this.#incoming.request, 100));
        return;
      case "resend":
        this.#resend();
        return;
      case "deliver":
        this.#deliver(ack);
        return;
      case "start":
        if (effect.timer === "J") this.owner.completed(this, this.bytes);
        else this.setTimer(effect);
        return;
      case "stop":
        this.setTimer(effect);
        return;
      case "ack":
      case "fail":
        return; // of client transactions only
    }
  }

  #send(response: SipResponse): void {
    const { port, slab } = this.context;
    const tagged = this.#withTag(response);
    const whole = encode(tagged);
    const request = this.#incoming?.request;
    const bytes =
      request === undefined ? whole : port.bounded(whole, this.replyFlow, request, tagged);
    if (bytes === undefined) return;
    // Over a reliable transport nothing comes twice, so there is nothing to keep.
    if (this.replyFlow.transport === "udp")
      this.bytes = this.isInvite && response.status >= 200 ? slab.keep(bytes) : bytes;
    port.reply(bytes, this.replyFlow, response);
  }

  #resend(): void {
    if (this.bytes === undefined) return;
    this.context.port.onRepeat("response");
    this.context.port.reply(this.bytes, this.replyFlow);
  }

  #deliver(ack: ReceivedRequest | undefined): void {
    const incoming = ack === undefined ? this.#incoming : statelessIncoming(ack);
    if (incoming !== undefined) this.owner.deliver(incoming);
  }

  /** RFC 3261 §8.2.6.2: every response but 100 has a To tag. */
  #withTag(response: SipResponse): SipResponse {
    const to = response.text("To") ?? "";
    // Mostly it is there and spelt so; only otherwise the header has to be read.
    if (response.status === 100 || to.includes(";tag=") || response.to.params.has("tag"))
      return response;
    return response.set("To", `${to};tag=${this.context.port.newTag()}`);
  }
}

const START: ServerInput = { kind: "start" };
const REPEATED: ServerInput = { kind: "request" };
const ACKNOWLEDGED: ServerInput = { kind: "ack" };

const INVITE_INITIAL: InviteServerState = { name: "initial" };

export class InviteServerTransaction extends ServerTransaction {
  #state = INVITE_INITIAL;

  protected readonly isInvite = true;

  protected get stateName(): string {
    return this.#state.name;
  }

  protected advance(context: MachineContext, input: ServerInput): readonly Effect[] {
    const { state, effects } = stepInviteServer(context, this.#state, input);
    this.#state = state;
    return effects;
  }
}

const NON_INVITE_INITIAL: NonInviteServerState = { name: "initial" };

export class NonInviteServerTransaction extends ServerTransaction {
  #state = NON_INVITE_INITIAL;

  protected readonly isInvite = false;

  protected get stateName(): string {
    return this.#state.name;
  }

  /** RFC 4320 §4.2: without an answer until the client's Timer F has fired, it ends in silence. */
  protected override get endsAt(): number {
    return this.startedAt + this.context.unreliable.timers.F;
  }

  protected advance(context: MachineContext, input: ServerInput): readonly Effect[] {
    const { state, effects } = stepNonInviteServer(context, this.#state, input);
    this.#state = state;
    return effects;
  }
}

class IncomingRequest implements Incoming {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly cancels: Incoming | undefined;
  readonly #transaction: ServerTransaction;
  readonly #replyFlow: Flow;

  constructor(transaction: ServerTransaction, received: ReceivedRequest) {
    this.request = received.request;
    this.flow = received.flow;
    this.cancels = received.cancels;
    this.#transaction = transaction;
    this.#replyFlow = received.replyFlow;
  }

  claim(holder: string): boolean {
    return this.#transaction.claim(holder);
  }

  respond(response: SipResponse): void {
    this.#transaction.respond(response);
  }

  refuse(status: number, options?: RefusalOptions): void {
    const { owner, incoming } = this.#transaction;
    if (incoming === undefined) return; // there was a final answer
    this.#transaction.forget();
    owner.refuse(this.request, this.#replyFlow, status, options);
  }

  drop(): void {
    if (this.#transaction.incoming !== undefined) this.#transaction.forget();
  }
}

/** An ACK: nothing can be answered to it. */
export function statelessIncoming({ request, flow }: ReceivedRequest): Incoming {
  const nothing = (): void => undefined;
  return { request, flow, respond: nothing, refuse: nothing, drop: nothing };
}
