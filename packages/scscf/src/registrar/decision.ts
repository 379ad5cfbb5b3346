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
      /** After a resynchronisation: what it was about. */
      readonly why?: string;
    }
  | { readonly kind: "fail"; readonly refused: RefusalKind; readonly why: string };

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
      return passOrChallenge(rules, attempt, true);
    case "unknown-nonce":
      return passOrChallenge(rules, attempt, false);
    case "resync": {
      const { challenge, diagnosis } = outcome;
      if (challenge !== undefined) {
        return { kind: "challenge", stale: false, values: challenge.values, why: diagnosis };
      }
      return { kind: "fail", refused: "authentication-failed", why: diagnosis };
    }
    case "wrong-response":
    case "network-rejected":
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
function passOrChallenge(rules: DecisionRules, attempt: Attempt, stale: boolean): Decision {
  const passes = mayPass(attempt) && (rules.onRefresh === "never" || isLeaving(attempt));
  return passes ? { kind: "accept", authenticated: false } : { kind: "challenge", stale };
}
