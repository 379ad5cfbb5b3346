// The transaction layer: two tables, the four machines inside, one clock. RFC 3261 §17, RFC 6026.
import type { Clock } from "../../platform/clock.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";
import type { Via } from "../message/via.ts";
import type { Flow } from "../transport/transport.ts";
import {
  type ClientOwner,
  InviteClientTransaction,
  NonInviteClientTransaction,
  type RunningClient,
} from "./client.ts";
import { FixedDelays } from "./fixed-delays.ts";
import { cancelledKey, clientKey, serverKey } from "./key.ts";
import { machineContext } from "./machine.ts";
import {
  InviteServerTransaction,
  NonInviteServerTransaction,
  type ReceivedRequest,
  type ServerOwner,
  type ServerTransaction,
  statelessIncoming,
} from "./server.ts";
import { Slab } from "./slab.ts";
import type { TimerValues } from "./timers.ts";
import type { TransactionContext, TransactionPort } from "./transaction.ts";
import type { Incoming, RefusalOptions, ResponseHandlers } from "./user.ts";

/** What the layer asks of the endpoint above it. */
export interface LayerUser extends TransactionPort {
  onRequest(incoming: Incoming): void;
  /** Answers without state (RFC 3261 §8.2.7). */
  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void;
  /** How many server transactions one holder may have pending. */
  readonly maxPendingPerHolder: number;
  onShareUsedUp(): void;
  /** A request that would make a new transaction; false: it was refused instead. */
  admit(received: ReceivedRequest): boolean;
}

/** RFC 3261 §9.1: the answer to a CANCEL says nothing; the INVITE's does. */
const UNHEARD: ResponseHandlers = { onResponse: () => undefined, onFailure: () => undefined };

export class TransactionLayer implements ServerOwner {
  readonly #user: LayerUser;
  readonly #context: TransactionContext;
  readonly #delays: FixedDelays;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, RunningClient>();
  /** Pending server transactions by whose they are; only of those that were claimed. */
  readonly #held = new Map<string, number>();
  #pending = 0;
  #octets = 0;
  readonly #clientOwner: ClientOwner = {
    forget: ({ branch, method }) => this.#clients.delete(clientKey(branch, method)),
    sendCancel: (branch, departure) => this.newClient("CANCEL", branch, UNHEARD).start(departure),
  };

  constructor(clock: Clock, timers: TimerValues, user: LayerUser) {
    this.#user = user;
    this.#delays = new FixedDelays(clock);
    this.#context = {
      port: user,
      delays: this.#delays,
      slab: new Slab(),
      reliable: machineContext(timers, true),
      unreliable: machineContext(timers, false),
    };
  }

  /** Server transactions in the table, completed ones included. */
  get serverCount(): number {
    return this.#servers.size;
  }

  /** Server transactions without a final answer. */
  get pendingCount(): number {
    return this.#pending;
  }

  /** Of the requests of all server transactions: what is kept of each is no larger by much. */
  get serverOctets(): number {
    return this.#octets;
  }

  /** @param key see key.ts */
  hasServer(key: string): boolean {
    return this.#servers.has(key);
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Returns true when the request belonged to a transaction that exists. */
  receiveRequest(received: ReceivedRequest, via: Via): boolean {
    const { request } = received;
    const key = serverKey(request, via);
    const existing = this.#servers.get(key);
    if (existing !== undefined) {
      if (request.method === "ACK") existing.acknowledged(received);
      else existing.repeated();
      return true;
    }
    // RFC 3261 §13.3.1.4: the ACK of a 2xx is a transaction of its own, without any answer.
    if (request.method === "ACK") this.#user.onRequest(statelessIncoming(received));
    else if (this.#user.admit(received)) this.#open(key, received, via);
    return false;
  }

  #open(key: string, received: ReceivedRequest, via: Via): void {
    const { method } = received.request;
    const kind = method === "INVITE" ? InviteServerTransaction : NonInviteServerTransaction;
    const whole = method === "CANCEL" ? this.#withCancelled(received, via) : received;
    if (whole === undefined) return;
    // The key outlives the message it was read from.
    const transaction = new kind(this.#context, this, ownCopy(key), whole);
    this.#servers.set(transaction.key, transaction);
    this.#pending++;
    this.#octets += transaction.octets;
    transaction.start();
  }

  /** RFC 3261 §9.2: a CANCEL that comes after the final response is answered 200 and does nothing. */
  #withCancelled(received: ReceivedRequest, via: Via): ReceivedRequest | undefined {
    const { request, replyFlow } = received;
    const cancelled = this.#servers.get(cancelledKey(request, via));
    if (cancelled === undefined) return received;
    if (cancelled.incoming !== undefined) return { ...received, cancels: cancelled.incoming };
    this.#user.refuse(request, replyFlow, 200);
    return undefined;
  }

  /** A transaction that `start` sets going once it is known how to send its request. */
  newClient(method: string, branch: string, handlers: ResponseHandlers): RunningClient {
    const kind = method === "INVITE" ? InviteClientTransaction : NonInviteClientTransaction;
    const request = { method, branch };
    const client = new kind(this.#context, this.#clientOwner, request, handlers);
    this.#clients.set(clientKey(branch, method), client);
    return client;
  }

  /** Returns false when the response belongs to no transaction: it is dropped (RFC 6026 §8.9). */
  receiveResponse(response: SipResponse, via: Via, flow: Flow): boolean {
    const { method } = response.cseq;
    const client = this.#clients.get(clientKey(via.branch ?? "", method));
    if (client === undefined || client.method !== method) return false;
    client.receive(response, flow);
    return true;
  }

  /** Forgets everything; nobody is told. */
  close(): void {
    this.#delays.clear();
    this.#servers.clear();
    this.#held.clear();
    this.#pending = 0;
    this.#octets = 0;
    this.#clients.clear();
  }

  deliver(incoming: Incoming): void {
    this.#user.onRequest(incoming);
  }

  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void {
    this.#user.refuse(request, flow, status, options);
  }

  claim(holder: string): boolean {
    const held = this.#held.get(holder) ?? 0;
    if (held >= this.#user.maxPendingPerHolder) {
      this.#user.onShareUsedUp();
      return false;
    }
    this.#held.set(holder, held + 1);
    return true;
  }

  settled(holder: string | undefined): void {
    this.#pending--;
    if (holder === undefined) return;
    const left = (this.#held.get(holder) ?? 0) - 1;
    if (left > 0) this.#held.set(holder, left);
    else this.#held.delete(holder);
  }

  forget(transaction: ServerTransaction): void {
    if (this.#servers.delete(transaction.key)) this.#octets -= transaction.octets;
  }
}
