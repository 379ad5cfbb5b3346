// REGISTERs that were challenged and not yet answered: the context a second REGISTER belongs to. TS 24.229 §5.2.2.

import { type Credentials, hasResponse } from "@ims-lab/common/ims/credentials";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import type { Flow } from "@ims-lab/common/sip/transport/transport";

export interface PendingChallenge {
  /** Path token of the challenged REGISTER: the answer must carry the same one. */
  readonly token: string;
  /** The S-CSCF that challenged: its nonce means nothing to another. */
  readonly scscf: string;
  /** Nonces of the last challenge. */
  readonly nonces: readonly string[];
  /** It asked for AKA, which an answer need not repeat where nothing else was offered (RFC 3310 §3.3). */
  readonly isAka: boolean;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** The table is bounded: a flood of first REGISTERs costs the oldest attempts only. */
const MOST_ATTEMPTS = 200_000;

export class PendingChallenges {
  readonly #clock: Clock;
  readonly #lifeMs: number;
  readonly #most: number;
  readonly #attempts = new Map<string, PendingChallenge>();

  /** @param lifeMs reg-await-auth (TS 24.229 §7.8) */
  constructor(clock: Clock, lifeMs: number, most: number = MOST_ATTEMPTS) {
    this.#clock = clock;
    this.#lifeMs = lifeMs;
    this.#most = most;
  }

  get size(): number {
    return this.#attempts.size;
  }

  find(request: SipRequest, flow: Flow, device: string): PendingChallenge | undefined {
    const challenge = this.#attempts.get(challengeKey(request, flow, device));
    return challenge !== undefined && challenge.until > this.#clock.now() ? challenge : undefined;
  }

  challenged(
    request: SipRequest,
    flow: Flow,
    device: string,
    challenge: Omit<PendingChallenge, "until">,
  ): void {
    const key = ownCopy(challengeKey(request, flow, device));
    this.#attempts.delete(key); // so that the order of the map is that of `until`
    this.#dropOld();
    this.#attempts.set(key, { ...challenge, until: this.#clock.now() + this.#lifeMs });
  }

  /** Any final answer but a challenge ends it. */
  ended(request: SipRequest, flow: Flow, device: string): void {
    this.#attempts.delete(challengeKey(request, flow, device));
  }

  #dropOld(): void {
    const now = this.#clock.now();
    for (const [key, { until }] of this.#attempts) {
      if (until > now && this.#attempts.size < this.#most) return;
      this.#attempts.delete(key);
    }
  }
}

/** True when these credentials answer the challenge's challenge, so that a 200 to them proves who sent them. */
export function answers(
  credentials: Credentials | undefined,
  challenge: PendingChallenge | undefined,
): boolean {
  const nonce = credentials?.params.get("nonce");
  if (challenge === undefined || nonce === undefined || !hasResponse(credentials)) return false;
  return challenge.nonces.includes(nonce);
}

/** By address, not by flow: the answer is longer and may come over TCP (RFC 3261 §18.1.1). */
function challengeKey(request: SipRequest, flow: Flow, device: string): string {
  return boundedKey(`${flow.remote.host} ${request.callId} ${aorOf(request.to.uri)} ${device}`);
}
