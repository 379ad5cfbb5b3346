// The memory of a user's authentication: challenges that wait for an answer, nonces that were used. RFC 7616 §3.3, §3.4.

/** A challenge that waits for its answer. */
export interface Outstanding {
  /** Call-ID and Path token. */
  readonly key: string;
  readonly nonce: string;
  readonly expiresAt: number;
  readonly failures: number;
  /** `maxFailures` reached: kept, so that its nonce stays refused. */
  readonly isOver: boolean;
}

/** A nonce that has authenticated somebody. */
export interface Used {
  readonly nonce: string;
  readonly issuedAt: number;
  /** The highest seen; `NO_MORE_USES`: not once more. */
  readonly lastNc: number;
}

export interface UserChallenges {
  readonly outstanding: readonly Outstanding[];
  readonly used: readonly Used[];
  /** Nonces issued up to here are no longer remembered one by one: none of them counts. */
  readonly forgottenUpTo: number;
  /** Nonces issued up to here were made for credentials that count no more. */
  readonly credentialsSince?: number;
}
