// How messages enter an endpoint: decoding, refusals without state, matching. RFC 3261 §8.2.7, §18.2.1.
import { type OncePer, oncePer } from "../platform/once-per.ts";
import { SummedLines } from "../platform/summed-lines.ts";
import type { EndpointAddresses } from "./endpoint-addresses.ts";
import { EndpointGate } from "./endpoint-gate.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { statusClass } from "./endpoint-sender.ts";
import { type EndpointWire, fillReceived } from "./endpoint-wire.ts";
import { decode, type Problem } from "./message/decode.ts";
import { encode } from "./message/encode.ts";
import { Via } from "./message/fields.ts";
import { TOO_LONG_HEADER, TOO_MANY_HEADERS } from "./message/head-reader.ts";
import { newResponse, type SipRequest, type SipResponse } from "./message/message.ts";
import { parseNameAddr } from "./message/name-addr.ts";
import type { Addressee } from "./overload/inbox.ts";
import type { LayerUser, TransactionLayer } from "./transaction/layer.ts";
import type { Arrival } from "./transaction/server.ts";
import { textHash } from "./transaction/text-hash.ts";
import type {
  Incoming,
  RefusalOptions,
  RequestFailure,
  RequestHandler,
} from "./transaction/user.ts";
import { foreignProtocol } from "./transport/foreign-octets.ts";
import { CONNECTION_LIMITS, IDLE } from "./transport/stream-limits.ts";
import { type Flow, peerOf, type SendFailure } from "./transport/transport.ts";
import type { Unreachable } from "./unreachable.ts";

const TAG_OCTETS = 8;
const SAY_AGAIN_MS = 600_000;
/** Sources that keep running into a limit, of which each is named once in that time. */
const SOURCES_NAMED = 100;
/** Octets are cheap to send, from any address. */
const MALFORMED_LINES = { burst: 2, maxKeys: 50, maxPerHost: 5, maxLines: 60 };
/** A connection that came while we were ending. */
const CLOSING = "closing";

export class EndpointReceiver implements LayerUser, Addressee<Flow> {
  handler: RequestHandler = (incoming) => incoming.drop();
  draining = false;
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #addresses: EndpointAddresses;
  readonly #unreachable: Unreachable;
  /** Makes the tags of refusals unguessable and equal for equal requests (RFC 3261 §8.2.7). */
  readonly #tagSecret: string;
  readonly #maxTransactions: number;
  readonly #maxTransactionBytes: number;
  readonly #gate: EndpointGate;
  readonly #maySayLimit: OncePer;
  readonly #lines: SummedLines | undefined;
  #layer: TransactionLayer | undefined;

  constructor(
    options: EndpointOptions,
    wire: EndpointWire,
    addresses: EndpointAddresses,
    unreachable: Unreachable,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#addresses = addresses;
    this.#unreachable = unreachable;
    this.#tagSecret = options.random.hex(16);
    this.#maxTransactions = options.maxTransactions ?? 500_000;
    this.#maxTransactionBytes = options.maxTransactionBytes ?? 2 ** 29;
    this.#gate = new EndpointGate(options, wire, this.#tagSecret);
    this.#maySayLimit = oncePer(options.clock, SAY_AGAIN_MS, SOURCES_NAMED);
    const { clock, log } = options;
    this.#lines = log && new SummedLines({ clock, log, ...MALFORMED_LINES });
  }

  serve(layer: TransactionLayer): void {
    this.#layer = layer;
  }

  receive(bytes: Buffer, flow: Flow): void {
    this.#wire.seen(bytes, flow);
    if (!this.#gate.admits(bytes, flow, this.#layer)) return;
    const { inbox } = this.#options;
    if (inbox === undefined) this.handle(bytes, flow);
    else inbox.take(this, bytes, flow);
  }

  /** @param isLate it has waited too long for its turn */
  handle(bytes: Buffer, flow: Flow, isLate: boolean = false): void {
    if (isLate && !this.#gate.admitsLate(bytes, flow, this.#layer)) return;
    const { message, problem } = decode(bytes, this.#options.messageLimits);
    if (problem !== undefined) this.#refuseMalformed(problem, flow, bytes);
    else if (message.kind === "response") this.#receiveResponse(message, flow);
    else this.#receiveRequest(message, flow);
  }

  rejected(reason: string, flow: Flow): void {
    const setting = CONNECTION_LIMITS.get(reason);
    this.#wire.count(setting === undefined ? "dropped" : "limited", reason);
    const { name, log } = this.#options;
    log?.debug("transport.rejected", { endpoint: name, reason, flow: flow.id });
    if (setting === undefined && reason !== CLOSING) this.#unreadable(flow, reason, {});
    if (setting === undefined || reason === IDLE) return;
    const { host } = flow.remote;
    if (!this.#maySayLimit(`${reason} ${host}`)) return;
    log?.warn("connection.limited", { endpoint: name, peer: host, reason, setting });
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    const via = request.get(Via);
    if (via === undefined || this.#layer === undefined) return; // decode lets none such pass
    this.#wire.count("request-in", request.method);
    fillReceived(request, via, flow);
    const arrival = { request, flow, replyFlow: this.#wire.replyFlow(via, flow) };
    const known = this.#layer.receiveRequest(arrival, via);
    if (known && request.method !== "ACK") this.#wire.count("retransmission-in", request.method);
  }

  #receiveResponse(response: SipResponse, flow: Flow): void {
    this.#wire.count("response-in", statusClass(response));
    const via = response.get(Via);
    // RFC 3261 §18.1.2: not for us, or not by the way we asked for.
    if (via === undefined || !this.#addresses.isOwn(via.host, via.port ?? 5060))
      this.#wire.count("dropped", "foreign-response");
    else if (!this.#layer?.receiveResponse(response, via, flow))
      this.#wire.count("dropped", "stray-response"); // RFC 6026 §8.9
  }

  #refuseMalformed({ reason, status, request }: Problem, flow: Flow, bytes: Buffer): void {
    const isAnswered = request?.has("Via") === true;
    const why = foreignProtocol(bytes) ?? `no valid SIP: ${printable(reason)}`;
    const about = request === undefined ? undefined : identityIn(request);
    this.#unreadable(flow, why, { impu: about, ...(isAnswered && { status }) });
    if (LIMITS.has(reason)) this.#wire.count("limited", reason);
    // Without a Via there is no way back that the peer has named.
    if (status === undefined || request === undefined || !isAnswered) {
      this.#wire.count("dropped", reason);
      return;
    }
    const via = request.get(Via);
    const replyFlow = via === undefined ? flow : this.#wire.replyFlow(via, flow);
    if (via !== undefined) fillReceived(request, via, flow);
    this.refuse(request, replyFlow, status, { reason: printable(reason) });
  }

  #unreadable(
    flow: Flow,
    why: string,
    { impu, status }: { readonly impu?: string | undefined; readonly status?: number | undefined },
  ): void {
    const source = peerOf(flow);
    this.#options.onUnreadable?.({ source, why, status, impu });
    const { host } = flow.remote;
    const fields = { endpoint: this.#options.name, source, impu, status, why };
    this.#lines?.say({
      level: "warn",
      event: "message.malformed",
      key: `${why} ${host}`,
      host,
      fields,
    });
  }

  close(): void {
    this.#lines?.close();
  }

  // What the transaction layer asks for.

  onRequest(incoming: Incoming): void {
    const { log, name } = this.#options;
    if (log === undefined) {
      this.handler(incoming);
      return;
    }
    try {
      this.handler(incoming);
    } catch (error) {
      // Our own fault: the peer hears 500, and the node goes on serving the others.
      const { method, callId } = incoming.request;
      log.error("request.handler-failed", {
        endpoint: name,
        method,
        callId,
        error: asError(error),
      });
      incoming.refuse(500);
    }
  }

  refuse(request: SipRequest, flow: Flow, status: number, options: RefusalOptions = {}): void {
    if (request.method === "ACK") {
      this.#wire.count("dropped", "ack");
      return;
    }
    this.#wire.count("rejected", String(status));
    const response = newResponse(request, status, { ...options, toTag: this.#tagFor(request) });
    const bytes = this.bounded(encode(response), flow, request, response);
    if (bytes !== undefined) this.reply(bytes, flow, response);
  }

  bounded(
    whole: Buffer,
    flow: Flow,
    request: SipRequest,
    response: SipResponse,
  ): Buffer | undefined {
    return this.#gate.bounded(whole, flow, request, response);
  }

  get maxPendingPerHolder(): number {
    return this.#options.maxPendingPerHolder ?? Number.POSITIVE_INFINITY;
  }

  onShareUsedUp(): void {
    this.#wire.count("limited", "pending-share");
  }

  admit({ request, replyFlow }: Arrival): boolean {
    const full = this.#excess();
    // A CANCEL ends work that is under way.
    if ((full === undefined && !this.draining) || request.method === "CANCEL") return true;
    if (full !== undefined) this.#wire.count("limited", full);
    const seconds = String(this.#gate.retryAfter());
    this.refuse(request, replyFlow, 503, { headers: [["Retry-After", seconds]] });
    return false;
  }

  /** What another transaction would exceed. */
  #excess(): string | undefined {
    if (this.#layer === undefined) return undefined;
    if (this.#layer.serverCount >= this.#maxTransactions) return "transactions";
    // However few they are: each may be as large as a datagram.
    return this.#layer.serverOctets >= this.#maxTransactionBytes ? "transaction-bytes" : undefined;
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    this.#wire.send(bytes, flow, onFailure);
  }

  reply(bytes: Buffer, flow: Flow, response?: SipResponse): void {
    if (response !== undefined) this.#wire.count("response-out", statusClass(response));
    this.#wire.reply(bytes, flow, response);
  }

  onRepeat(kind: "request" | "response"): void {
    this.#wire.count("retransmission-out", kind);
  }

  onFailed(why: RequestFailure, flow: Flow | undefined, heard: boolean): void {
    this.#wire.count("request-failed", why);
    if (flow !== undefined) this.#unreachable.failed(flow, why, heard);
  }

  newTag(): string {
    return this.#options.random.hex(TAG_OCTETS);
  }

  #tagFor(request: SipRequest): string {
    const branch = request.get(Via)?.branch ?? "";
    const cseq = request.text("CSeq") ?? "";
    return textHash(`${this.#tagSecret} ${branch} ${request.callId} ${cseq}`);
  }
}

/** What a decoder refuses for its size alone. */
const LIMITS: ReadonlySet<string> = new Set([TOO_MANY_HEADERS, TOO_LONG_HEADER]);

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Whom a damaged request is about, as far as it can be read. */
function identityIn(request: SipRequest): string | undefined {
  const text = request.text(request.method === "REGISTER" ? "To" : "From");
  return text === undefined ? undefined : parseNameAddr(text)?.uriText;
}

/** A reason phrase holds no line ends, whatever a decoder says about a peer's text. */
function printable(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
