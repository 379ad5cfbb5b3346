// Decision on a REGISTER: accept, challenge or fail. TS 24.229 §5.4.1.2.2.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { Occasion } from "@ims-lab/common/ims/authentication-policy";
import type { Authenticator } from "../authentication/authenticator.ts";
import {
  type AnswerFailure,
  type AuthenticationOutcome,
  answersChallenge,
} from "../authentication/outcome.ts";
import { isAuthenticatedByPeer } from "../origin.ts";
import type { RefusalKind } from "../outcomes.ts";
import type { PolicyInForce } from "../policy/policy-in-force.ts";
import { samePath } from "../registration/address.ts";
import type { Binding } from "../registration/binding.ts";
import type { ChallengeReason } from "../registration/events.ts";
import {
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
      /** Without these rules it would have been accepted: their re-authentications begin with it. */
      readonly fired?: readonly FiredAtRegister[] | undefined;
    }
  | {
      readonly kind: "fail";
      readonly refused: RefusalKind;
      readonly why: string;
      /** It answers a challenge that lives: over the device's own flow it counts against its re-authentication. */
      readonly isFresh: boolean;
    }
  /** Nobody of that name. */
  | { readonly kind: "nobody"; readonly why: string };

/** A rule of the policy that has a binding's REGISTER challenged. */
export interface FiredAtRegister {
  /** Of the binding. */
  readonly token: string;
  readonly cause: ReauthenticationCause;
}

export interface DecisionRules {
  readonly authenticator: Authenticator;
  /** Says who is challenged that would pass otherwise. */
  readonly policy: PolicyInForce;
}

export function decide(rules: DecisionRules, register: RegisterRequest): Decision {
  const { request, origin, credentials } = register;
  const due = isDue(register);
  if (isAuthenticatedByPeer(origin) && !due) {
    const fired = firedByChange(rules, register);
    if (fired.length === 0) return { kind: "accept", authenticated: true };
    if (credentials === undefined || !answersChallenge(credentials))
      return challenged(rules, register, { stale: false, fired });
  }
  if (credentials === undefined || !answersChallenge(credentials)) {
    return passOrChallenge(rules, register, false);
  }
  const { impi, callId, pathToken } = challengeKey(register);
  const outcome = rules.authenticator.verify({
    impi,
    callId,
    pathToken,
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
    case "authenticated": {
      const fired = outcome.how === "preemptive" ? firedByChange(rules, register) : [];
      if (fired.length === 0) return { kind: "accept", authenticated: true };
      return challenged(rules, register, { stale: true, fired });
    }
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
      return { kind: "fail", refused: "authentication-failed", why: diagnosis, isFresh: true };
    }
    case "network-rejected": {
      const { next } = outcome;
      if (next === undefined) return wrong(outcome);
      const why = outcome.diagnosis;
      const asked = next.question === undefined ? why : `${why}; ${next.question}`;
      const after = { kind: "probe", why: asked } as const;
      return { kind: "challenge", values: next.values, after };
    }
    case "wrong-response":
    case "resync-invalid":
      return wrong(outcome);
    case "nonce-of-another-user":
      return unrelated("authentication-failed", outcome.diagnosis);
    case "unknown-algorithm":
    case "bad-parameters":
      return unrelated("bad-authorization", outcome.diagnosis);
    case "unknown-user":
      return unrelated("unknown-user", outcome.diagnosis);
  }
}

function wrong({ diagnosis: why, isFresh }: AnswerFailure): Decision {
  return { kind: "fail", refused: "authentication-failed", why, isFresh: isFresh === true };
}

/** Nothing in it shows that its sender has heard a challenge of the user's. */
function unrelated(refused: RefusalKind, why: string): Decision {
  return { kind: "fail", refused, why, isFresh: false };
}

/** A removal over a protected association goes through even where refreshes are always challenged. */
function passOrChallenge(
  rules: DecisionRules,
  register: RegisterRequest,
  stale: boolean,
  after?: ChallengeReason,
): Decision {
  if (!mayPass(register)) return challenged(rules, register, { stale, after });
  const fired = isLeaving(register) ? [] : firedByRefresh(rules, register);
  if (fired.length === 0) return { kind: "accept", authenticated: false };
  return challenged(rules, register, { stale, after, fired });
}

function challenged(
  { authenticator }: DecisionRules,
  register: RegisterRequest,
  {
    stale,
    after,
    fired,
  }: { readonly stale: boolean } & Pick<
    Decision & { readonly kind: "challenge" },
    "after" | "fired"
  >,
): Decision {
  const issued = authenticator.challenge(challengeKey(register), { stale });
  if (issued === undefined) return { kind: "nobody", why: "the subscriber has gone" };
  return { kind: "challenge", values: issued.values, after, fired };
}

/** On any of the bindings that it refreshes; who names none asks about all that he has. */
function firedByRefresh(
  rules: DecisionRules,
  register: RegisterRequest,
): readonly FiredAtRegister[] {
  if (!rules.policy.concerns("refresh")) return [];
  const { meant } = register;
  const bindings = meant.length > 0 ? meant : register.bindings;
  return fired(rules, register, { kind: "refresh" }, bindings);
}

/** A device that is bound comes with another Contact or Path, or its user with one more Contact. */
function firedByChange(
  rules: DecisionRules,
  register: RegisterRequest,
): readonly FiredAtRegister[] {
  if (!rules.policy.concerns("contact-change") || isLeaving(register)) return [];
  const { targets, superseded, bindings, origin } = register;
  const moved = targets.flatMap(({ binding, isSameUri }) => {
    const isHere = binding !== undefined && isSameUri;
    return isHere && samePath(binding.address.path, origin.path) ? [] : (binding ?? []);
  });
  const isOneMore = targets.some(({ binding }) => binding === undefined);
  const known = [...moved, ...superseded];
  const changed = known.length === 0 && isOneMore ? bindings.slice(0, 1) : known;
  return fired(rules, register, { kind: "contact-change" }, changed);
}

function fired(
  { policy }: DecisionRules,
  { subscriber }: RegisterRequest,
  occasion: Occasion,
  bindings: readonly Binding[],
): readonly FiredAtRegister[] {
  return bindings.flatMap((binding) => {
    const rule = policy.evaluate(binding, occasion, subscriber);
    return rule === undefined
      ? []
      : { token: binding.token, cause: `policy:${rule.authenticate}` as const };
  });
}
