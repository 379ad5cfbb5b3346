// Decision on a REGISTER: accept, challenge or fail. TS 24.229 §5.4.1.2.2.
import { type AuthenticationRule, evaluate } from "@ims-lab/common/ims/authentication-policy";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Authenticator } from "../authentication/authenticator.ts";
import { type AuthenticationOutcome, answersChallenge } from "../authentication/outcome.ts";
import { isAuthenticatedByPeer } from "../origin.ts";
import type { RefusalKind } from "../outcomes.ts";
import { factsOf } from "../policy/rules.ts";
import type { ChallengeReason } from "../registration/events.ts";
import {
  bindingsMeant,
  challengeKey,
  isDue,
  isLeaving,
  mayPass,
  type RegisterRequest,
} from "./register-request.ts";

export type Decision =
  | { readonly kind: "accept"; readonly authenticated: boolean }
  | {
      readonly kind: "challenge";
      /** Of WWW-Authenticate. */
      readonly values: readonly string[];
      /** Not the first of its kind: what came before it. */
      readonly after?: ChallengeReason | undefined;
    }
  /** A wrong answer: it counts against a re-authentication that is due. */
  | { readonly kind: "fail"; readonly refused: RefusalKind; readonly why: string }
  /** Nobody of that name. */
  | { readonly kind: "nobody"; readonly why: string };

export interface DecisionRules {
  readonly authenticator: Authenticator;
  /** Those of refreshes say which of them are challenged over a protected association, too. */
  readonly rules: readonly AuthenticationRule[];
  readonly clock: Clock;
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
        return { kind: "challenge", values: challenge.values, after };
      }
      return { kind: "fail", refused: "authentication-failed", why: diagnosis };
    }
    case "network-rejected": {
      const { next, diagnosis: why } = outcome;
      if (next === undefined) return { kind: "fail", refused: "authentication-failed", why };
      const asked = next.question === undefined ? why : `${why}; ${next.question}`;
      const after = { kind: "probe", why: asked } as const;
      return { kind: "challenge", values: next.values, after };
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
  if (mayPass(register) && (isLeaving(register) || !isRefreshChallenged(rules, register)))
    return { kind: "accept", authenticated: false };
  const issued = rules.authenticator.challenge(challengeKey(register), { stale });
  if (issued === undefined) return { kind: "nobody", why: "the subscriber has gone" };
  return { kind: "challenge", values: issued.values, after };
}

/** By a rule, on any of the bindings that it refreshes; who names none asks about all that he has. */
function isRefreshChallenged({ rules, clock }: DecisionRules, register: RegisterRequest): boolean {
  if (rules.length === 0) return false;
  const meant = bindingsMeant(register);
  const now = clock.now();
  return (meant.length > 0 ? meant : register.bindings).some(
    (binding) => evaluate(rules, { kind: "refresh" }, factsOf(binding, now)) !== undefined,
  );
}
