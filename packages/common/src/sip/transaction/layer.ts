// The transaction layer: tables of live and completed transactions, the four machines inside, one clock. RFC 3261 §17, RFC 6026.
import type { Clock } from "../../platform/clock.ts";
import { decode } from "../message/decode.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";
import type { ViaValue } from "../message/via.ts";
import type { Flow } from "../transport/transport.ts";
import {
  type ClientOwner,
  InviteClientTransaction,
  NonInviteClientTransaction,
  type RunningClient,
} from "./client.ts";
import { CompletedTransactions, type KeptTransaction } from "./completed.ts";
import { FixedDelays } from "./fixed-delays.ts";
import { branchIn, cancelledKey, clientKey, serverKey } from "./key.ts";
import { machineContext } from "./machine.ts";
import type { ReceivedRequest, TransactionExcess, TransactionPort } from "./port.ts";
import {
  InviteServerTransaction,
  NonInviteServerTransaction,
  type ServerOwner,
  type ServerTransaction,
  statelessIncoming,
} from "./server.ts";
import { Slab } from "./slab.ts";
import type { TimerValues } from "./timers.ts";
import type { TransactionContext } from "./transaction.ts";
import type { Incoming, RefusalOptions, ResponseHandlers } from "./user.ts";
import type { TransactionView } from "./view.ts";

export interface LayerLimits {
  /** Server transactions, completed ones included. */
  readonly maxTransactions: number;
  /** The same for the octets of their requests. */
  readonly maxTransactionBytes: number;
  /** Of server transactions without a final answer, how many one holder may have. */
  readonly maxPendingPerHolder: number;
}

export interface LayerOptions {
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly limits: LayerLimits;
  /** At random. */
  readonly hashSeed: number;
}

/** RFC 3261 §9.1: the answer to a CANCEL says nothing; the INVITE's does. */
const UNHEARD: ResponseHandlers = { onResponse: () => undefined, onFailure: () => undefined };

export class TransactionLayer implements ServerOwner {
  readonly #port: TransactionPort;
  readonly #limits: LayerLimits;
  readonly #context: TransactionContext;
  readonly #delays: FixedDelays;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, RunningClient>();
  readonly #completedServers: CompletedTransactions;
  readonly #completedClients: CompletedTransactions;
  /** Pending server transactions by whose they are; only of those that were claimed. */
  readonly #held = new Map<string, number>();
  #pending = 0;
  /** Of the requests of those that are not completed. */
  #octets = 0;
  readonly #clientOwner: ClientOwner = {
    forget: ({ branch, method }) => this.#clients.delete(clientKey(branch, method)),
    completed: (client, flow) => this.#clientCompleted(client, flow),
    sendCancel: (branch, outgoing) => this.newClient("CANCEL", branch, UNHEARD).start(outgoing),
  };

  constructor({ clock, timers, limits, hashSeed }: LayerOptions, port: TransactionPort) {
    this.#port = port;
    this.#limits = limits;
    this.#delays = new FixedDelays(clock);
    this.#completedServers = new CompletedTransactions(clock, timers.J, hashSeed);
    this.#completedClients = new CompletedTransactions(clock, timers.K, hashSeed);
    this.#context = {
      port,
      clock,
      delays: this.#delays,
      slab: new Slab(),
      reliable: machineContext(timers, true),
      unreliable: machineContext(timers, false),
    };
  }

  /** Server transactions, completed ones included. */
  get serverCount(): number {
    return this.#servers.size + this.#completedServers.size;
  }

  /** Server transactions without a final answer. */
  get pendingCount(): number {
    return this.#pending;
  }

  /** Of the requests of all server transactions: what is kept of each is no larger by much. */
  get serverOctets(): number {
    return this.#octets + this.#completedServers.requestOctets;
  }

  /** @param key see key.ts */
  hasServer(key: string): boolean {
    return this.#servers.has(key) || this.#completedServers.has(key);
  }

  get clientCount(): number {
    return this.#clients.size + this.#completedClients.size;
  }

  /** Returns true when the request belonged to a transaction that exists. */
  receiveRequest(received: ReceivedRequest, via: ViaValue): boolean {
    const { request } = received;
    const key = serverKey(request, via);
    const existing = this.#servers.get(key);
    if (existing !== undefined) {
      if (request.method === "ACK") existing.acknowledged(received);
      else existing.repeated();
      return true;
    }
    const completed = this.#completedServers.find(key);
    if (completed !== undefined) {
      this.#repeat(completed.octets, completed.flow);
      return true;
    }
    // RFC 3261 §13.3.1.4: the ACK of a 2xx is a transaction of its own, without any answer.
    if (request.method === "ACK") this.#port.onRequest(statelessIncoming(received));
    else if (this.#port.admits(received, this.#excess())) this.#open(key, received, via);
    return false;
  }

  /** RFC 3261 §17.2.2: in Completed a repeated request hears the response once more. */
  #repeat(octets: Buffer, flow: Flow): void {
    if (octets.length === 0) return;
    this.#port.onRepeat("response");
    // What is sent must not change when its block is used again.
    this.#port.reply(Buffer.from(octets), flow);
  }

  #excess(): TransactionExcess | undefined {
    const { maxTransactions, maxTransactionBytes } = this.#limits;
    const atMost = this.#servers.size + this.#completedServers.atMost;
    if (atMost < maxTransactions && this.serverOctets < maxTransactionBytes) return undefined;
    // Some may have ended meanwhile.
    if (this.serverCount >= maxTransactions) return "transactions";
    // However few they are: each may be as large as a datagram.
    return this.serverOctets >= maxTransactionBytes ? "transaction-bytes" : undefined;
  }

  #open(key: string, received: ReceivedRequest, via: ViaValue): void {
    const { method } = received.request;
    const kind = method === "INVITE" ? InviteServerTransaction : NonInviteServerTransaction;
    const whole = method === "CANCEL" ? this.#withCancelled(received, via) : received;
    if (whole === undefined) return;
    // Only that of an INVITE outlives the message it was read from.
    const own = method === "INVITE" ? ownCopy(key) : key;
    const transaction = new kind(this.#context, this, own, whole);
    this.#servers.set(transaction.key, transaction);
    this.#pending++;
    this.#octets += transaction.octets;
    transaction.start();
  }

  /** RFC 3261 §9.2: a CANCEL that comes after the final response is answered 200 and does nothing. */
  #withCancelled(received: ReceivedRequest, via: ViaValue): ReceivedRequest | undefined {
    const { request, replyFlow } = received;
    const cancelled = this.#servers.get(cancelledKey(request, via));
    if (cancelled === undefined) return received;
    if (cancelled.incoming !== undefined) return { ...received, cancels: cancelled.incoming };
    this.#port.refuse(request, replyFlow, 200);
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
  receiveResponse(response: SipResponse, via: ViaValue, flow: Flow): boolean {
    const { method } = response.cseq;
    const key = clientKey(via.branch ?? "", method);
    const client = this.#clients.get(key);
    if (client === undefined) return this.#completedClients.has(key);
    if (client.method !== method) return false;
    client.receive(response, flow);
    return true;
  }

  /** Live transactions: servers first, completed ones first of each kind. */
  list(offset: number, limit: number): readonly TransactionView[] {
    const shown: TransactionView[] = [];
    let skipped = offset;
    const take = (size: number, part: (from: number, count: number) => TransactionView[]): void => {
      const from = Math.min(skipped, size);
      skipped -= from;
      shown.push(...part(from, limit - shown.length));
    };
    const { size: servers } = this.#completedServers;
    take(servers, (from, count) => this.#completedServers.list(from, count).map(viewOfServer));
    take(this.#servers.size, (from, count) => views(this.#servers.values(), from, count));
    const { size: clients } = this.#completedClients;
    take(clients, (from, count) => this.#completedClients.list(from, count).map(viewOfClient));
    take(this.#clients.size, (from, count) => views(this.#clients.values(), from, count));
    return shown;
  }

  /** Forgets everything; nobody is told. */
  close(): void {
    this.#delays.clear();
    this.#servers.clear();
    this.#completedServers.clear();
    this.#held.clear();
    this.#pending = 0;
    this.#octets = 0;
    this.#clients.clear();
    this.#completedClients.clear();
  }

  // What transactions ask of their layer.

  deliver(incoming: Incoming): void {
    this.#port.onRequest(incoming);
  }

  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void {
    this.#port.refuse(request, flow, status, options);
  }

  claim(holder: string): boolean {
    const held = this.#held.get(holder) ?? 0;
    if (held >= this.#limits.maxPendingPerHolder) {
      this.#port.onShareUsedUp();
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

  completed(transaction: ServerTransaction, response: Buffer | undefined): void {
    this.forget(transaction);
    const { key, replyFlow: flow, octets: requestOctets, startedAt } = transaction;
    this.#completedServers.add({ key, octets: response, flow, requestOctets, startedAt });
  }

  forget(transaction: ServerTransaction): void {
    if (this.#servers.delete(transaction.key)) this.#octets -= transaction.octets;
  }

  #clientCompleted(client: RunningClient, flow: Flow): void {
    const { branch, method, callId, startedAt } = client;
    const key = clientKey(branch, method);
    this.#clients.delete(key);
    const octets = `${method} ${callId}`;
    this.#completedClients.add({ key, octets, flow, requestOctets: 0, startedAt });
  }
}

function views(
  transactions: Iterable<ServerTransaction | RunningClient>,
  offset: number,
  limit: number,
): TransactionView[] {
  const shown: TransactionView[] = [];
  let skipped = 0;
  for (const transaction of transactions) {
    if (shown.length >= limit) break;
    if (skipped === offset) shown.push(transaction.view);
    else skipped++;
  }
  return shown;
}

const COMPLETED = "completed";

function viewOfServer({ key, octets, flow, startedAt, endsAt }: KeptTransaction): TransactionView {
  const { message: response } = decode(octets);
  const method = key.slice(key.lastIndexOf(" ") + 1);
  const callId = response?.callId ?? "";
  const branch = branchIn(key);
  return { kind: "server", method, state: COMPLETED, startedAt, endsAt, flow, branch, callId };
}

function viewOfClient({ key, octets, flow, startedAt, endsAt }: KeptTransaction): TransactionView {
  const text = octets.toString("latin1");
  const at = text.indexOf(" ");
  const [method, callId] = [text.slice(0, at), text.slice(at + 1)];
  const branch = branchIn(`${key} `);
  return { kind: "client", method, state: COMPLETED, startedAt, endsAt, flow, branch, callId };
}
