// REGISTERs that were challenged and not yet answered: the context a second REGISTER belongs to. TS 24.229 §5.2.2.

import { type Credentials, hasResponse } from "@ims-lab/common/ims/credentials";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { Flow } from "@ims-lab/common/sip/transport/transport";

export interface Challenge {
  /** Path token of the challenged REGISTER: the answer must carry the same one. */
  readonly token: string;
  /** The S-CSCF that challenged: its nonce means nothing to another. */
  readonly scscf: string;
  /** Nonces of the last challenge; "" where one had none. */
  readonly nonces: readonly string[];
  /** It asked for AKA, which an answer need not repeat where nothing else was offered (RFC 3310 §3.3). */
  readonly isAka: boolean;
}

export interface PendingChallenge extends Challenge {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** The table is bounded: a flood of first REGISTERs costs the oldest challenges only. */
const MOST_CHALLENGES = 200_000;

export class PendingChallenges {
  readonly #clock: Clock;
  readonly #lifeMs: number;
  readonly #most: number;
  readonly #challenges = new Map<string, PendingChallenge>();

  /** @param lifeMs reg-await-auth (TS 24.229 §7.8) */
  constructor(clock: Clock, lifeMs: number, most: number = MOST_CHALLENGES) {
    this.#clock = clock;
    this.#lifeMs = lifeMs;
    this.#most = most;
  }

  get size(): number {
    return this.#challenges.size;
  }

  /** @param key see `challengeKey` */
  find(key: string): PendingChallenge | undefined {
    const challenge = this.#challenges.get(key);
    return challenge !== undefined && challenge.until > this.#clock.now() ? challenge : undefined;
  }

  challenged(key: string, { token, scscf, nonces, isAka }: Challenge): void {
    const kept = ownCopy(key);
    this.#challenges.delete(kept); // so that the order of the map is that of `until`
    const now = this.#clock.now();
    this.#dropOld(now);
    const until = now + this.#lifeMs;
    this.#challenges.set(kept, { token, scscf, nonces, isAka, until });
  }

  /** Any final answer but a challenge ends it. */
  ended(key: string): void {
    this.#challenges.delete(key);
  }

  #dropOld(now: number): void {
    for (const [key, { until }] of this.#challenges) {
      if (until > now && this.#challenges.size < this.#most) return;
      this.#challenges.delete(key);
    }
  }
}

/** True when these credentials answer the challenge, so that a 200 to them proves who sent them. */
export function answers(
  credentials: Credentials | undefined,
  challenge: PendingChallenge | undefined,
): boolean {
  const nonce = credentials?.params.get("nonce") ?? "";
  if (challenge === undefined || nonce === "" || !hasResponse(credentials)) return false;
  return challenge.nonces.includes(nonce);
}

/**
 * One attempt of a device to register. By address, not by flow: the answer is longer and may come over TCP
 * (RFC 3261 §18.1.1). @param aor of To, as `aorOf` files it
 */
export function challengeKey(
  { callId }: SipRequest,
  { remote }: Flow,
  aor: string,
  device: string,
): string {
  return boundedKey(`${remote.host} ${callId} ${aor} ${device}`);
}
