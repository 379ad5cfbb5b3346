// The P-CSCF's authentication rules, out of its settings: 0 s means that there is no such rule. TS 24.229 §5.4.1.6.
import type {
  AuthenticationFacts,
  AuthenticationRule,
} from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy } from "@ims-lab/common/ims/policy-document";
import type { Binding } from "../bindings/binding.ts";

/** Where a policy does not say how many may be asked for a second. */
export const PACE_PER_SECOND = 50;

export interface PolicySettings {
  readonly reauthentication: { readonly maxAgeSeconds: number; readonly onFlowReplaced: boolean };
  readonly flows: { readonly lostSeconds: number };
}

/** Its rules are in the order in which they are looked at. */
export function policyOf({ reauthentication, flows }: PolicySettings): AuthenticationPolicy {
  const ageMs = reauthentication.maxAgeSeconds * 1000;
  const afterMs = flows.lostSeconds * 1000;
  const rules: AuthenticationRule[] = [];
  if (reauthentication.onFlowReplaced) rules.push({ name: "flow-replaced", kind: "flow-replaced" });
  if (afterMs > 0) rules.push({ name: "flow-lost", kind: "flow-lost", afterMs });
  if (ageMs > 0) rules.push({ name: "max-age", kind: "max-age", ageMs });
  return { pacePerSecond: PACE_PER_SECOND, rules };
}

/** What this node knows of it: whether a re-authentication is due, the S-CSCF alone does. @param now milliseconds since the epoch */
export function factsOf(
  { registeredAt, authenticatedAt }: Binding,
  now: number,
): AuthenticationFacts {
  return { now, registeredAt, authenticatedAt, isDue: false };
}
