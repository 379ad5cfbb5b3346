// The way of a message into an endpoint: admission, queue, decoding, transaction. RFC 3261 §8.2.7, §18.2.1.
import { type LogRateLimit, logRateLimit } from "../../platform/log-rate-limit.ts";
import { SummedLines } from "../../platform/summed-lines.ts";
import { Admission } from "../admission/admission.ts";
import type { Decision } from "../admission/decide.ts";
import { Peek } from "../admission/peek.ts";
import type { Addressee } from "../admission/request-queue.ts";
import { decode, type Problem } from "../message/decode.ts";
import { Via } from "../message/fields.ts";
import { TOO_LONG_HEADER, TOO_MANY_HEADERS } from "../message/head-reader.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import { parseNameAddr } from "../message/name-addr.ts";
import type { TransactionLayer } from "../transaction/layer.ts";
import { foreignProtocol } from "../transport/foreign-octets.ts";
import { CONNECTION_LIMITS, IDLE } from "../transport/stream-limits.ts";
import { type Flow, peerOf } from "../transport/transport.ts";
import type { EndpointAddresses } from "./addresses.ts";
import { statusClass } from "./metrics.ts";
import type { EndpointOptions } from "./options.ts";
import { fillReceived } from "./received.ts";
import type { StatelessAnswers } from "./stateless-answers.ts";
import type { EndpointWire } from "./wire.ts";

const SAY_AGAIN_MS = 600_000;
/** Sources that keep running into a limit, of which each is named once in that time. */
const SOURCES_NAMED = 100;
/** Octets are cheap to send, from any address. */
const MALFORMED_LINES = { burst: 2, maxKeys: 50, maxPerHost: 5, maxLines: 60 };
/** A connection that came while we were ending. */
const CLOSING = "closing";

export class EndpointReceiver implements Addressee<Flow> {
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #addresses: EndpointAddresses;
  readonly #answers: StatelessAnswers;
  readonly #layer: TransactionLayer;
  readonly #admission: Admission;
  readonly #limitLog: LogRateLimit;
  readonly #overloadLog: LogRateLimit;
  readonly #malformedLog: SummedLines | undefined;

  constructor(
    options: EndpointOptions,
    wire: EndpointWire,
    addresses: EndpointAddresses,
    answers: StatelessAnswers,
    layer: TransactionLayer,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#addresses = addresses;
    this.#answers = answers;
    this.#layer = layer;
    const { clock, log } = options;
    this.#admission = new Admission(options.admission, options, layer);
    this.#limitLog = logRateLimit(clock, SAY_AGAIN_MS, SOURCES_NAMED);
    this.#overloadLog = logRateLimit(clock);
    this.#malformedLog = log && new SummedLines({ clock, log, ...MALFORMED_LINES });
  }

  /** 1. Whether it is let in, and whether at once. */
  receive(bytes: Buffer, flow: Flow): void {
    const message = new Peek(bytes);
    const decision = this.#admission.onArrival(message, flow.remote.host);
    if (decision.kind !== "admit") {
      this.#turnAway(decision, message, flow);
      return;
    }
    const { queue } = this.#options;
    if (queue === undefined) this.handle(message, flow, false);
    else queue.take(this, message, flow);
  }

  /** 2. Its turn has come. @param isLate it has waited too long for it */
  handle(message: Peek, flow: Flow, isLate: boolean): void {
    const decision = isLate ? this.#admission.onLateTurn(message) : undefined;
    if (decision === undefined || decision.kind === "admit") this.#decode(message.bytes, flow);
    else this.#turnAway(decision, message, flow);
  }

  /** 3. From octets to a message. */
  #decode(bytes: Buffer, flow: Flow): void {
    const { message, problem } = decode(bytes, this.#options.messageLimits);
    if (problem !== undefined) this.#refuseMalformed(problem, flow, bytes);
    else if (message.kind === "response") this.#receiveResponse(message, flow);
    else this.#receiveRequest(message, flow);
  }

  /** 4. To its transaction, or to a new one, which hands it to the user. */
  #receiveRequest(request: SipRequest, flow: Flow): void {
    const via = request.get(Via);
    if (via === undefined) return; // decode lets none such pass
    this.#wire.count("request-in", request.method);
    fillReceived(request, via, flow);
    const received = { request, flow, replyFlow: this.#wire.replyFlow(via, flow) };
    const known = this.#layer.receiveRequest(received, via);
    if (known && request.method !== "ACK") this.#wire.count("retransmission-in", request.method);
  }

  #receiveResponse(response: SipResponse, flow: Flow): void {
    this.#wire.count("response-in", statusClass(response));
    const via = response.get(Via);
    // RFC 3261 §18.1.2: not for us, or not by the way we asked for.
    if (via === undefined || !this.#addresses.isOwn(via.host, via.port ?? 5060))
      this.#wire.count("dropped", "foreign-response");
    else if (!this.#layer.receiveResponse(response, via, flow))
      this.#wire.count("dropped", "stray-response"); // RFC 6026 §8.9
  }

  #turnAway(decision: Exclude<Decision, { kind: "admit" }>, message: Peek, flow: Flow): void {
    const { kind, why } = decision;
    this.#wire.count("limited", why);
    const { log, name } = this.#options;
    if (why === "overload" && this.#overloadLog(why))
      log?.warn("overload.refusing", { endpoint: name });
    if (kind === "refuse") this.#answers.refuseUnread(message, flow, why);
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
    this.#answers.refuse(request, replyFlow, status, { reason: printable(reason) });
  }

  /** What a transport itself has refused. */
  rejected(reason: string, flow: Flow): void {
    const setting = CONNECTION_LIMITS.get(reason);
    this.#wire.count(setting === undefined ? "dropped" : "limited", reason);
    const { name, log } = this.#options;
    log?.debug("transport.rejected", { endpoint: name, reason, flow: flow.id });
    if (setting === undefined && reason !== CLOSING) this.#unreadable(flow, reason, {});
    if (setting === undefined || reason === IDLE) return;
    const { host } = flow.remote;
    if (!this.#limitLog(`${reason} ${host}`)) return;
    log?.warn("connection.limited", { endpoint: name, peer: host, reason, setting });
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
    this.#malformedLog?.say({
      level: "warn",
      event: "message.malformed",
      key: `${why} ${host}`,
      host,
      fields,
    });
  }

  close(): void {
    this.#malformedLog?.close();
  }
}

/** What a decoder refuses for its size alone. */
const LIMITS: ReadonlySet<string> = new Set([TOO_MANY_HEADERS, TOO_LONG_HEADER]);

/** Whom a damaged request is about, as far as it can be read. */
function identityIn(request: SipRequest): string | undefined {
  const text = request.text(request.method === "REGISTER" ? "To" : "From");
  return text === undefined ? undefined : parseNameAddr(text)?.uriText;
}

/** A reason phrase holds no line ends, whatever a decoder says about a peer's text. */
function printable(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
