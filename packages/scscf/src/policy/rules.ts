// The S-CSCF's authentication rules, out of its settings. TS 24.229 §5.4.1.6.
import type {
  AuthenticationFacts,
  AuthenticationRule,
  RequestOutcome,
} from "@ims-lab/common/ims/authentication-policy";
import type { Binding } from "../registration/binding.ts";

export interface PolicySettings {
  readonly authentication: { readonly onRefresh: "always" | "never" };
  readonly policy: { readonly onMethods: readonly string[]; readonly outcome: RequestOutcome };
  readonly reauthentication: { readonly deadlineSeconds: number };
}

/** In the order in which they are looked at; named as their settings, so in the cause `policy:<name>`. */
export function rulesOf(settings: PolicySettings): readonly AuthenticationRule[] {
  const { onRefresh } = settings.authentication;
  const { onMethods, outcome } = settings.policy;
  const freshMs = settings.reauthentication.deadlineSeconds * 1000;
  const rules: AuthenticationRule[] = [];
  if (onRefresh === "always") rules.push({ name: "onRefresh", kind: "refresh" });
  if (onMethods.length > 0)
    rules.push({ name: "onMethods", kind: "methods", methods: onMethods, outcome, freshMs });
  return rules;
}

/** @param now milliseconds since the epoch */
export function factsOf(
  { registeredAt, authenticatedAt, reauthentication }: Binding,
  now: number,
): AuthenticationFacts {
  return { now, registeredAt, authenticatedAt, isDue: reauthentication !== undefined };
}
