// The endpoint's side of its limits: what is turned away is answered or not, never more than it may be. RFC 3261 §8.2.7.
import { type LogRateLimit, logRateLimit } from "../../platform/log-rate-limit.ts";
import type { Random } from "../../platform/random.ts";
import type { Verdict, Work } from "../admission/decide.ts";
import { shortRefusal } from "../admission/short-refusal.ts";
import { encode } from "../message/encode.ts";
import { newResponse, type SipRequest, type SipResponse } from "../message/message.ts";
import { textHash } from "../transaction/text-hash.ts";
import { type Flow, LARGEST_PAYLOAD } from "../transport/transport.ts";
import type { EndpointOptions } from "./options.ts";
import type { EndpointWire } from "./wire.ts";

/** What a datagram of a forged source can make us send to that source: so many times its size. */
const MOST_TIMES = 3;

type Refused = Extract<Verdict, { kind: "refuse" }>;

export class EndpointGate {
  readonly #options: EndpointOptions;
  readonly #wire: EndpointWire;
  readonly #secret: string;
  readonly #maySay: LogRateLimit;

  constructor(options: EndpointOptions, wire: EndpointWire, secret: string) {
    this.#options = options;
    this.#wire = wire;
    this.#secret = secret;
    this.#maySay = logRateLimit(options.clock);
  }

  /** False: it was turned away, and answered if need be. */
  admits(bytes: Buffer, flow: Flow, work: Work | undefined): boolean {
    const { gate, clock } = this.#options;
    return this.#obey(gate?.judge(bytes, flow.remote.host, clock.now(), work), bytes, flow);
  }

  /** The same for a message that has waited too long for its turn. */
  admitsLate(bytes: Buffer, flow: Flow, work: Work | undefined): boolean {
    return this.#obey(this.#options.gate?.judgeLate(bytes, work), bytes, flow);
  }

  /** Seconds, as Retry-After says them: different ones, so that not all come back at once. */
  retryAfter(): number {
    return retryAfter(this.#options.retryAfterSeconds ?? 5, this.#options.random);
  }

  #obey(verdict: Verdict | undefined, bytes: Buffer, flow: Flow): boolean {
    if (verdict === undefined) return true;
    this.#wire.count("limited", verdict.why);
    if (verdict.why === "overload") this.#sayOverload();
    if (verdict.kind === "refuse") this.#refuse(verdict, bytes.length, flow);
    return false;
  }

  #sayOverload(): void {
    const { log, name } = this.#options;
    if (this.#maySay("overload")) log?.warn("overload.refusing", { endpoint: name });
  }

  #refuse({ head, via, why }: Refused, octets: number, flow: Flow): void {
    const isTooLarge = why === "message-size";
    const answer = shortRefusal(head, flow.remote, {
      status: isTooLarge ? 513 : 503,
      retryAfterSeconds: isTooLarge ? undefined : this.retryAfter(),
      tag: textHash(`${this.#secret} ${via.branch} ${via.sentBy}`),
    });
    if (answer === undefined || answer.length > MOST_TIMES * octets) return;
    this.#wire.count("rejected", isTooLarge ? "513" : "503");
    this.#wire.send(answer, this.#wire.flowBack(flow, via.port));
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
}

function isAccepted({ method }: SipRequest, { status }: SipResponse): boolean {
  return status < 300 && method !== "OPTIONS";
}

function retryAfter(least: number, random: Random): number {
  return least + Math.floor(random.fraction() * (least + 1));
}
