// Answers without a transaction, and how much may be said to a source that may be forged. RFC 3261 §8.2.7.
import type { Random } from "../../platform/random.ts";
import type { Excess } from "../admission/decide.ts";
import type { Peek } from "../admission/peek.ts";
import { shortRefusal } from "../admission/short-refusal.ts";
import { encode } from "../message/encode.ts";
import { Via } from "../message/fields.ts";
import { newResponse, type SipRequest, type SipResponse } from "../message/message.ts";
import { textHash } from "../transaction/text-hash.ts";
import type { RefusalOptions } from "../transaction/user.ts";
import { type Flow, LARGEST_PAYLOAD } from "../transport/transport.ts";
import type { EndpointOptions } from "./options.ts";
import type { EndpointWire } from "./wire.ts";

/** What a datagram of a forged source can make us send to that source: so many times its size. */
const MOST_TIMES = 3;

export class StatelessAnswers {
  readonly #wire: EndpointWire;
  readonly #random: Random;
  readonly #retryAfterSeconds: number;
  /** Makes the tags of refusals unguessable and equal for equal requests. */
  readonly #tagSecret: string;

  constructor({ random, retryAfterSeconds = 5 }: EndpointOptions, wire: EndpointWire) {
    this.#wire = wire;
    this.#random = random;
    this.#retryAfterSeconds = retryAfterSeconds;
    this.#tagSecret = random.hex(16);
  }

  refuse(request: SipRequest, flow: Flow, status: number, options: RefusalOptions = {}): void {
    if (request.method === "ACK") {
      this.#wire.count("dropped", "ack");
      return;
    }
    this.#wire.count("rejected", String(status));
    const response = newResponse(request, status, { ...options, toTag: this.#tagFor(request) });
    const bytes = this.bounded(encode(response), flow, request, response);
    if (bytes !== undefined) this.#wire.respond(bytes, flow, response);
  }

  /** 503, or 513 for its size, to a request that was not decoded. */
  refuseUnread(message: Peek, flow: Flow, why: Excess): void {
    const { via, bytes, head } = message;
    if (via === undefined) return;
    const isTooLarge = why === "message-size";
    const answer = shortRefusal(head, flow.remote, {
      status: isTooLarge ? 513 : 503,
      retryAfterSeconds: isTooLarge ? undefined : this.retryAfter(),
      tag: textHash(`${this.#tagSecret} ${via.branch} ${via.sentBy}`),
    });
    if (answer === undefined || answer.length > MOST_TIMES * bytes.length) return;
    this.#wire.count("rejected", isTooLarge ? "513" : "503");
    this.#wire.send(answer, this.#wire.flowBack(flow, via.port));
  }

  /** Seconds, as Retry-After says them: different ones, so that not all come back at once. */
  retryAfter(): number {
    const least = this.#retryAfterSeconds;
    return least + Math.floor(this.#random.fraction() * (least + 1));
  }

  /** A request over UDP may come from somebody else than its source: less is said where it is short. */
  bounded(
    whole: Buffer,
    flow: Flow,
    request: SipRequest,
    response: SipResponse,
  ): Buffer | undefined {
    const most = Math.min(MOST_TIMES * request.octets, LARGEST_PAYLOAD);
    // What was accepted is for somebody we know.
    const isFree = flow.transport !== "udp" || most === 0 || isAccepted(request, response);
    if (isFree || whole.length <= most) return whole;
    this.#wire.count("limited", "answer-size");
    // A challenge without its challenge would be of no use.
    const isChallenge = response.status === 401 || response.status === 407;
    const options = isChallenge ? { reason: "Too Short For A Challenge" } : {};
    const short = newResponse(request, isChallenge ? 400 : response.status, options);
    const to = response.text("To");
    const bare = encode(to === undefined ? short : short.set("To", to));
    return bare.length <= most ? bare : undefined;
  }

  #tagFor(request: SipRequest): string {
    const branch = request.get(Via)?.branch ?? "";
    const cseq = request.text("CSeq") ?? "";
    return textHash(`${this.#tagSecret} ${branch} ${request.callId} ${cseq}`);
  }
}

function isAccepted({ method }: SipRequest, { status }: SipResponse): boolean {
  return status < 300 && method !== "OPTIONS";
}
