// Limits of requests per source and second: settings, and the count by the first octets of a message.
import { type Cidr, cidrContains, parseCidr } from "../../platform/cidr.ts";
import { sourceOf } from "../../platform/ip-address.ts";
import { integer, type SchemaOf, texts } from "../../platform/settings.ts";
import { type Taken, TokenBuckets } from "./token-buckets.ts";

export interface RateLimits {
  readonly registersPerSecondPerSource: number;
  readonly requestsPerSecondPerSource: number;
  readonly burstSeconds: number;
  readonly maxSources: number;
  readonly unlimitedSources: readonly string[];
}

export const rateLimitSettings: SchemaOf<RateLimits> = {
  registersPerSecondPerSource: integer({
    doc: "REGISTERs from one address; more: 503, far more: silence.",
    min: 1,
    default: 500,
  }),
  requestsPerSecondPerSource: integer({
    doc: "Other requests from one address; more: 503, far more: silence.",
    min: 1,
    default: 2_000,
  }),
  burstSeconds: integer({
    doc: "So many seconds' worth of requests may come at once.",
    min: 1,
    max: 3_600,
    default: 4,
  }),
  maxSources: integer({ doc: "Addresses whose rates are remembered.", min: 1, default: 65_536 }),
  unlimitedSources: texts({
    doc: "Addresses whose rate is not limited.",
    allowed: "a list of addresses or networks",
    accepts: (written) => parseCidr(written) !== undefined,
    default: ["127.0.0.0/8", "::1"],
  }),
};

/** First four octets: `SIP/` begins no request, since a method has no slash. */
const KIND = { response: 0x5349502f, ack: 0x41434b20, register: 0x52454749 } as const;

export class SourceRates {
  readonly #registers: TokenBuckets;
  readonly #others: TokenBuckets;
  readonly #unlimited: readonly Cidr[];
  /** Messages come in runs from one address. */
  #last = "";
  #lastIsUnlimited = false;

  constructor(limits: RateLimits) {
    const bucket = (perSecond: number): TokenBuckets => {
      const burst = perSecond * limits.burstSeconds;
      return new TokenBuckets({ perSecond, burst, maxSources: limits.maxSources });
    };
    this.#registers = bucket(limits.registersPerSecondPerSource);
    this.#others = bucket(limits.requestsPerSecondPerSource);
    this.#unlimited = limits.unlimitedSources.flatMap((each) => parseCidr(each) ?? []);
  }

  /** Sources remembered. */
  get size(): number {
    return this.#registers.size + this.#others.size;
  }

  take(bytes: Buffer, host: string, now: number): Taken {
    const start = bytes.length < 4 ? 0 : bytes.readInt32BE(0);
    // Neither makes anything here, so they leave no trace in the table either.
    if (start === KIND.response || start === KIND.ack) return "within";
    if (this.#isUnlimited(host)) return "within";
    const buckets = start === KIND.register ? this.#registers : this.#others;
    return buckets.take(sourceOf(host), now);
  }

  #isUnlimited(host: string): boolean {
    if (host !== this.#last) {
      this.#last = host;
      this.#lastIsUnlimited = this.#unlimited.some((network) => cidrContains(network, host));
    }
    return this.#lastIsUnlimited;
  }
}
