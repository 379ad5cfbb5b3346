// The endpoint's side of its transactions: the wire below them, the handler above them.
import type { SipRequest, SipResponse } from "../message/message.ts";
import type { ReceivedRequest, TransactionExcess, TransactionPort } from "../transaction/port.ts";
import type {
  Incoming,
  RefusalOptions,
  RequestFailure,
  RequestHandler,
} from "../transaction/user.ts";
import type { Flow, SendFailure } from "../transport/transport.ts";
import type { NextHopLog } from "./next-hop-log.ts";
import type { EndpointOptions } from "./options.ts";
import type { StatelessAnswers } from "./stateless-answers.ts";
import type { EndpointWire } from "./wire.ts";

const TAG_OCTETS = 8;

export class EndpointTransactionPort implements TransactionPort {
  /** Whom requests are for, from `listen` on. */
  handler: RequestHandler = (incoming) => incoming.drop();
  isDraining = false;
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #answers: StatelessAnswers;
  readonly #nextHops: NextHopLog;

  constructor(
    options: EndpointOptions,
    wire: EndpointWire,
    answers: StatelessAnswers,
    nextHops: NextHopLog,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#answers = answers;
    this.#nextHops = nextHops;
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    this.#wire.send(bytes, flow, onFailure);
  }

  reply(bytes: Buffer, flow: Flow, response?: SipResponse): void {
    if (response === undefined) this.#wire.reply(bytes, flow);
    else this.#wire.respond(bytes, flow, response);
  }

  bounded(
    whole: Buffer,
    flow: Flow,
    request: SipRequest,
    response: SipResponse,
  ): Buffer | undefined {
    return this.#answers.bounded(whole, flow, request, response);
  }

  refuse(request: SipRequest, flow: Flow, status: number, options?: RefusalOptions): void {
    this.#answers.refuse(request, flow, status, options);
  }

  newTag(): string {
    return this.#options.random.hex(TAG_OCTETS);
  }

  admits(received: ReceivedRequest, excess: TransactionExcess | undefined): boolean {
    const { request, replyFlow } = received;
    // A CANCEL ends work that is under way.
    if ((excess === undefined && !this.isDraining) || request.method === "CANCEL") return true;
    if (excess !== undefined) this.#wire.count("limited", excess);
    const seconds = String(this.#answers.retryAfter());
    this.refuse(request, replyFlow, 503, { headers: [["Retry-After", seconds]] });
    return false;
  }

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

  onRepeat(kind: "request" | "response"): void {
    this.#wire.count("retransmission-out", kind);
  }

  onFailed(why: RequestFailure, flow: Flow | undefined, heard: boolean): void {
    this.#wire.count("request-failed", why);
    if (flow !== undefined) this.#nextHops.failed(flow, why, heard);
  }

  onShareUsedUp(): void {
    this.#wire.count("limited", "pending-share");
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
