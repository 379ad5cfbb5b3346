// The S-CSCF's authentication rules out of its settings and subscribers, and the facts that they look at. TS 24.229 §5.4.1.6.
import type {
  AuthenticationFacts,
  AuthenticationRule,
  RequestOutcome,
} from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy, RuleDocument } from "@ims-lab/common/ims/policy-document";
import { readRules } from "@ims-lab/common/ims/policy-reading";
import type { Binding } from "../registration/binding.ts";

export interface PolicySettings {
  readonly authentication: { readonly onRefresh: "always" | "never" };
  readonly policy: {
    readonly onMethods: readonly string[];
    readonly outcome: RequestOutcome;
    readonly maxAgeSeconds: number;
    readonly pacePerSecond: number;
  };
  readonly reauthentication: { readonly deadlineSeconds: number };
}

/** Its rules are in the order in which they are looked at; named as their settings, so in the cause `policy:<name>`. */
export function policyOf(settings: PolicySettings): AuthenticationPolicy {
  const { onRefresh } = settings.authentication;
  const { onMethods: methods, outcome, maxAgeSeconds, pacePerSecond } = settings.policy;
  const freshMs = freshMsOf(settings);
  const rules: AuthenticationRule[] = [];
  if (maxAgeSeconds > 0)
    rules.push({ name: "maxAgeSeconds", kind: "max-age", ageMs: maxAgeSeconds * 1000 });
  if (onRefresh === "always") rules.push({ name: "onRefresh", kind: "refresh" });
  if (methods.length > 0)
    rules.push({ name: "onMethods", kind: "methods", methods, outcome, freshMs });
  return { pacePerSecond, rules };
}

/** Whoever has authenticated again in this time, milliseconds, is not rejected. */
export function freshMsOf({ reauthentication }: Pick<PolicySettings, "reauthentication">): number {
  return reauthentication.deadlineSeconds * 1000;
}

/** By the document, which all subscribers of a template share. */
const READ = new WeakMap<readonly RuleDocument[], readonly AuthenticationRule[]>();

/** A subscriber's own rules, which were checked when they were read from the file. */
export function ownRulesOf(
  written: readonly RuleDocument[],
  freshMs: number,
): readonly AuthenticationRule[] {
  const known = READ.get(written);
  if (known !== undefined) return known;
  const { rules } = readRules(written, "policy", { node: "scscf", freshMs });
  READ.set(written, rules);
  return rules;
}

/** @param now milliseconds since the epoch */
export function factsOf(
  { registeredAt, authenticatedAt, reauthentication }: Binding,
  now: number,
): AuthenticationFacts {
  return { now, registeredAt, authenticatedAt, isDue: reauthentication !== undefined };
}
