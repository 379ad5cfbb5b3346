// What is to be done with a REGISTER, before anything is done. TS 24.229 §5.4.1.2.2; design §4 "Authentication".
import type { Authenticator } from "../authentication/authenticator.ts";
import { type AuthenticationOutcome, answersChallenge } from "../authentication/outcome.ts";
import { type Attempt, attemptKey, isDue, isLeaving, mayPass } from "./attempt.ts";
import type { RefusalKind } from "./refusals.ts";
import { isAuthenticatedByPeer } from "./trust.ts";

export type Decision =
  | { readonly kind: "accept"; readonly authenticated: boolean }
  /** `values`: made already, after a resynchronisation. */
  | {
      readonly kind: "challenge";
      readonly stale: boolean;
      readonly values?: readonly string[];
      /** Not the first of its attempt: what came before it. */
      readonly after?: ChallengeReason;
    }
  | { readonly kind: "fail"; readonly refused: RefusalKind; readonly why: string };

export interface ChallengeReason {
  readonly kind: "resync" | "probe" | "stale" | "unknown-nonce";
  readonly why: string;
}

export interface DecisionRules {
  readonly authenticator: Authenticator;
  /** Challenge refreshes over a protected association too. */
  readonly onRefresh: "always" | "never";
}

export function decide(rules: DecisionRules, attempt: Attempt): Decision {
  const { request, standing, credentials } = attempt;
  const due = isDue(attempt);
  if (isAuthenticatedByPeer(standing) && !due) return { kind: "accept", authenticated: true };
  if (credentials === undefined || !answersChallenge(credentials)) {
    return passOrChallenge(rules, attempt, false);
  }
  const outcome = rules.authenticator.verify({
    ...attemptKey(attempt),
    method: request.method,
    uri: request.uri,
    body: request.body,
    authorization: credentials,
    // A nonce used on proves nothing new: not enough for one who was asked to authenticate again.
    allowPreemptive: !due,
  });
  return judged(rules, attempt, outcome);
}

function judged(rules: DecisionRules, attempt: Attempt, outcome: AuthenticationOutcome): Decision {
  switch (outcome.kind) {
    case "authenticated":
      return { kind: "accept", authenticated: true };
    case "stale":
    case "unknown-nonce": {
      const { kind, diagnosis: why, isUsual = false } = outcome;
      return passOrChallenge(rules, attempt, kind === "stale", isUsual ? undefined : { kind, why });
    }
    case "resync": {
      const { challenge, diagnosis } = outcome;
      if (challenge !== undefined) {
        const after = { kind: outcome.kind, why: diagnosis };
        return { kind: "challenge", stale: false, values: challenge.values, after };
      }
      return { kind: "fail", refused: "authentication-failed", why: diagnosis };
    }
    case "network-rejected": {
      const { next, diagnosis: why } = outcome;
      if (next === undefined) return { kind: "fail", refused: "authentication-failed", why };
      const asked = next.question === undefined ? why : `${why}; ${next.question}`;
      const after = { kind: "probe", why: asked } as const;
      return { kind: "challenge", stale: false, values: next.values, after };
    }
    case "wrong-response":
    case "resync-invalid":
    case "nonce-of-another-user":
      return { kind: "fail", refused: "authentication-failed", why: outcome.diagnosis };
    case "unknown-algorithm":
    case "bad-parameters":
      return { kind: "fail", refused: "bad-authorization", why: outcome.diagnosis };
    case "unknown-user":
      return { kind: "fail", refused: "unknown-user", why: outcome.diagnosis };
  }
}

/** A removal over a protected association goes through even where refreshes are always challenged. */
function passOrChallenge(
  rules: DecisionRules,
  attempt: Attempt,
  stale: boolean,
  after?: ChallengeReason,
): Decision {
  const passes = mayPass(attempt) && (rules.onRefresh === "never" || isLeaving(attempt));
  if (passes) return { kind: "accept", authenticated: false };
  return { kind: "challenge", stale, ...(after !== undefined && { after }) };
}
