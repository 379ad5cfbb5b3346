// Outcomes of verifying an Authorization value; `register/decision.ts` says what becomes of each. TS 24.229 §5.4.1.2.2-3.
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";

/** Whose attempt it is: nobody can overwrite somebody else's challenge. */
export interface ChallengeKey {
  readonly impi: string;
  readonly callId: string;
  /** What names the binding in the topmost Path value; empty without Path. */
  readonly pathToken: string;
}

/** An Authorization value and the request that it stands in. */
export interface Claim extends ChallengeKey {
  readonly method: string;
  /** Request-URI as text. */
  readonly uri: string;
  readonly body?: Buffer;
  readonly authorization: AuthHeader;
  /** A live nonce with a higher nc is enough: never while a re-authentication is due. */
  readonly allowPreemptive: boolean;
}

export interface IssuedChallenge {
  /** WWW-Authenticate values, most preferred first (RFC 8760 §2.3). */
  readonly values: readonly string[];
  /** What the device is asked by it, where it is a probe. */
  readonly question?: string;
}

export interface Authenticated {
  readonly kind: "authenticated";
  /** `challenge`: answered a fresh one; `preemptive`: used a live nonce again. */
  readonly how: "challenge" | "preemptive";
}

/** A failed answer to a challenge of this attempt. */
export interface AnswerFailure {
  readonly kind: "wrong-response" | "network-rejected" | "resync-invalid";
  readonly diagnosis: string;
  /** The challenge was not used up, and its sender knew its nonce: whoever answers a spent one shows neither. */
  readonly isFresh?: true;
  /** Another challenge in this attempt: a probe behind a real one, a real one behind a probe. */
  readonly next?: IssuedChallenge;
}

/** A valid AUTS: the SQN has been set. Undefined `challenge`: the attempt is over. */
export interface Resynchronised {
  readonly kind: "resync";
  readonly challenge: IssuedChallenge | undefined;
  readonly diagnosis: string;
}

/** Touches nobody's challenge. */
export interface ClaimRefused {
  readonly kind:
    | "stale" // right answer, old or used nonce: challenge again with stale=true
    | "unknown-nonce" // not ours, or from before a restart: challenge again
    | "nonce-of-another-user"
    | "unknown-algorithm"
    | "bad-parameters"
    | "unknown-user";
  readonly diagnosis: string;
  /** `stale` as any device that uses its nonce on meets it now and then. */
  readonly isUsual?: boolean;
}

export type AuthenticationOutcome = Authenticated | AnswerFailure | Resynchronised | ClaimRefused;

/**
 * Whether the value answers anything: TS 24.229 §5.1.1.2 has the first REGISTER carry empty nonce
 * and response, only to name the IMPI.
 */
export function answersChallenge(authorization: AuthHeader): boolean {
  return (authorization.params.get("nonce") ?? "") !== "";
}
