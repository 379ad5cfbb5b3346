// What is to be done with a REGISTER, before anything is done. TS 24.229 §5.4.1.2.2.
import type { Authenticator } from "../authentication/authenticator.ts";
import { type AuthenticationOutcome, answersChallenge } from "../authentication/outcome.ts";
import { isAuthenticatedByPeer } from "../origin.ts";
import type { RefusalKind } from "../outcomes.ts";
import {
  challengeKey,
  isDue,
  isLeaving,
  mayPass,
  type RegisterRequest,
} from "./register-request.ts";

export type Decision =
  | { readonly kind: "accept"; readonly authenticated: boolean }
  /** `values`: made already, after a resynchronisation. */
  | {
      readonly kind: "challenge";
      readonly stale: boolean;
      readonly values?: readonly string[];
      /** Not the first of its kind: what came before it. */
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

export function decide(rules: DecisionRules, register: RegisterRequest): Decision {
  const { request, origin, credentials } = register;
  const due = isDue(register);
  if (isAuthenticatedByPeer(origin) && !due) return { kind: "accept", authenticated: true };
  if (credentials === undefined || !answersChallenge(credentials)) {
    return passOrChallenge(rules, register, false);
  }
  const outcome = rules.authenticator.verify({
    ...challengeKey(register),
    method: request.method,
    uri: request.uri,
    body: request.body,
    authorization: credentials,
    // A nonce used on proves nothing new: not enough for one who was asked to authenticate again.
    allowPreemptive: !due,
  });
  return judged(rules, register, outcome);
}

function judged(
  rules: DecisionRules,
  register: RegisterRequest,
  outcome: AuthenticationOutcome,
): Decision {
  switch (outcome.kind) {
    case "authenticated":
      return { kind: "accept", authenticated: true };
    case "stale":
    case "unknown-nonce": {
      const { kind, diagnosis: why, isUsual = false } = outcome;
      return passOrChallenge(
        rules,
        register,
        kind === "stale",
        isUsual ? undefined : { kind, why },
      );
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
  register: RegisterRequest,
  stale: boolean,
  after?: ChallengeReason,
): Decision {
  const passes = mayPass(register) && (rules.onRefresh === "never" || isLeaving(register));
  if (passes) return { kind: "accept", authenticated: false };
  return { kind: "challenge", stale, ...(after !== undefined && { after }) };
}
